"""An hour of a made-up fleet, as OpenMetrics text: every family that pages may ask for, with believable labels."""

from collections.abc import Iterator, Mapping
from itertools import product

from dashboards.recording import HEARTBEAT, STATUS
from dashboards.style import STATUS_CODES
from nervesys.clients.promql import KnownSeries
from nervesys.contract.state import Status

STEP_SECONDS = 15
HOUR_SECONDS = 3600
LABELS: Mapping[str, tuple[str, ...]] = {
    "action": ("restart_agent",),
    "agent": ("gimai", "grok"),
    "at": ("stop", "warn"),
    "area": ("active_logs", "agents", "backups", "config_backups"),
    "counter": ("lines_written", "pull_requests"),
    "error_type": ("rate_limited", "timeout"),
    "kind": ("limit", "used"),
    "le": ("1", "10", "+Inf"),
    "level": ("ERROR", "INFO"),
    "minutes": ("1", "5", "15"),
    "model": ("grok-4",),
    "operation": ("chat",),
    "outcome": ("completed", "failed"),
    "period": ("day", "month", "week"),
    "server": ("alpha",),
    "source": ("brain", "store"),
    "state": ("escalated", "recovered"),
    "status": (*Status, "completed"),
    "type": ("input", "output"),
    "visibility": ("private", "public", "trace"),
}
OF_BUDGETS: Mapping[str, tuple[str, ...]] = {"agent": ("", "grok"), "model": ("", "grok-4")}
"""Without agent and model: the fleet."""
OF_OTHERS: Mapping[str, tuple[str, ...]] = {
    "alertmanager_alerts": ('state="active"',),
    "prometheus_rule_group_last_duration_seconds": ('rule_group="rules.yml;agent-states"',),
    "ALERTS": (
        'alertname="HighCpu",alertstate="firing",severity="warning",agent="grok"',
        'alertname="DiskFull",alertstate="firing",severity="critical",server="alpha"',
    ),
    "ALERTS_FOR_STATE": (
        'alertname="HighCpu",severity="warning",agent="grok"',
        'alertname="DiskFull",severity="critical",server="alpha"',
    ),
}


def openmetrics(series: Mapping[str, KnownSeries], start: int) -> str:
    """The hour from `start` on, a sample each quarter of a minute."""
    lines = (line for name, known in sorted(series.items()) for line in _family(name, known, start))
    return "".join(lines) + "# EOF\n"


def _family(name: str, known: KnownSeries, start: int) -> Iterator[str]:
    for number, labels in enumerate(_label_sets(name, known)):
        for at in range(start, start + HOUR_SECONDS, STEP_SECONDS):
            yield f"{name}{{{labels}}} {_value(name, known, at, at - start, number):.12g} {at}\n"


def _label_sets(name: str, known: KnownSeries) -> Iterator[str]:
    if known.labels is None:
        yield from OF_OTHERS.get(name, ('job="prometheus"',))
        return
    names = sorted(known.labels | ({"le"} if name.endswith("_bucket") else set()))
    known_values = {**LABELS, **(OF_BUDGETS if name.startswith("nervesys_budget_") else {})}
    for values in product(*(known_values.get(label, ("some",)) for label in names)):
        yield ",".join(f'{label}="{value}"' for label, value in zip(names, values, strict=True))


def _value(name: str, known: KnownSeries, at: int, elapsed: int, number: int) -> float:
    """Counters grow, a series' place in its family apart, so that buckets rise; instants lie a minute back."""
    if known.counter:
        return (elapsed // STEP_SECONDS) * (number + 1)
    if ":increase" in name:
        return number + 1
    if name == STATUS:
        return STATUS_CODES[Status.RUNNING]
    if name.endswith("_timestamp_seconds") or name in {HEARTBEAT, "ALERTS_FOR_STATE"}:
        return at - 60
    return 1
