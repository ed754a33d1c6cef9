"""Every series that pages may ask for: of this project's families, which are handed in, and of other programs'."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nervesys.metrics import Family, Period
from nervesys.metrics.instruments import BUILD_INFO

OF_OTHERS: Mapping[str, bool] = {
    "ALERTS": False,
    "ALERTS_FOR_STATE": False,
    "alertmanager_alerts": False,
    "alertmanager_notifications_failed_total": True,
    "alertmanager_notifications_total": True,
    "process_cpu_seconds_total": True,
    "process_resident_memory_bytes": False,
    "prometheus_rule_evaluation_failures_total": True,
    "prometheus_rule_group_last_duration_seconds": False,
    "prometheus_tsdb_head_samples_appended_total": True,
    "prometheus_tsdb_head_series": False,
    "scrape_duration_seconds": False,
    "up": False,
}
"""Series of Prometheus, Alertmanager and the client library, and whether they are counters; new with every scrape."""


@dataclass(frozen=True)
class Known:
    """What is known of a series.

    Attributes:
        counter: it only grows.
        period: how often it is new.
        labels: its own labels; None where they are another program's business.
    """

    counter: bool
    period: Period
    labels: frozenset[str] | None


def known(families: Iterable[Family]) -> dict[str, Known]:
    """Every series by the name under which it is exposed: those of the families, of every program, and of others."""
    series = {name: Known(counter, Period.SCRAPE, None) for name, counter in OF_OTHERS.items()}
    for family in (BUILD_INFO, *families):
        of_kind = Known(family.kind != "gauge", family.period, frozenset(family.labels))
        suffixes = ("_bucket", "_count", "_sum") if family.kind == "histogram" else ("",)
        series |= {family.full_name + suffix: of_kind for suffix in suffixes}
    return series
