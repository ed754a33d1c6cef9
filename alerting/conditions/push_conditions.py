"""Named conditions about data that the exporters send on: log records to a log database, traces to a collector."""

from collections.abc import Mapping

from alerting.conditions.freshness_guards import number, require_fresh
from alerting.conditions.named_condition import NamedCondition
from nervesys.metrics import SourceArea
from nervesys.settings import Settings

PUSHES = {"log": SourceArea("store", "push"), "trace": SourceArea("traces", "push")}


def _push_delayed(settings: Settings) -> str:
    """What has waited longest has waited too long; where nothing is sent on, there is no series."""
    limit = number(settings.thresholds.logs_late_seconds)
    parts = []
    for signal, origin in PUSHES.items():
        if origin.source in settings.sources:
            delay = f"time() - nervesys_{signal}_push_complete_timestamp_seconds > {limit}"
            longest = f"max by () (\n  {require_fresh(settings, delay, origin)}\n)"
            parts.append(f'label_replace({longest}, "signal", "{signal}", "", "")')
    return "\nor ".join(parts)


PUSH_CONDITIONS: Mapping[str, NamedCondition] = {"push delayed": NamedCondition(("signal",), _push_delayed)}
"""By name, such as `push delayed`."""
