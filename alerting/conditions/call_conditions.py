"""Named conditions about calls of models and tools, as the agents' traces show them.

A model that fails for many agents is their common cause: conditions about these agents leave them out meanwhile, so
that neither people nor restarts go after each of them.
"""

from collections.abc import Mapping

from alerting.conditions.freshness_guards import number, require_fresh
from alerting.conditions.named_condition import NamedCondition
from alerting.units import promql_duration
from nervesys.metrics import SourceArea
from nervesys.settings import Settings

TRACES = SourceArea("traces", "traces")
ERRORS = "nervesys_gen_ai_errors_total"
CALLS = "nervesys_gen_ai_operation_duration_seconds_count"
TOOL_CALLS = "nervesys_agent_tool_calls_total"
LIMITED = 'error_type="rate_limited"'
OF_THE_MODEL = 'error_type!~"rate_limited|content_filter|cancelled|invalid_request"'
"""Errors that the model or the way to it causes; the others are the caller's own."""


def _failing(settings: Settings, failed: str, every: str, by: str) -> str:
    """The share of failed calls is high, and they are not few.

    Args:
        settings: thresholds.
        failed: selector of a counter of failed calls.
        every: selector of a counter of all calls.
        by: labels of the result.
    """
    limits = settings.thresholds.calls
    failures, calls = (_counted(settings, selector, by) for selector in (failed, every))
    return (
        f"{failures}\n/ {calls} > {number(limits.failed_percent / 100)}\n"
        f"and on ({by}) {failures} >= {number(limits.of_calls)}"
    )


def _counted(settings: Settings, selector: str, by: str) -> str:
    window = promql_duration(settings.thresholds.calls.over_minutes * 60)
    return f"sum by ({by}) (\n  {require_fresh(settings, f'increase({selector}[{window}])', TRACES)}\n)"


def _model_failing(settings: Settings) -> str:
    return _failing(settings, f"{ERRORS}{{{OF_THE_MODEL}}}", CALLS, "model")


def _rate_limited(settings: Settings) -> str:
    return _failing(settings, f"{ERRORS}{{{LIMITED}}}", CALLS, "model")


def _tool_failing(settings: Settings) -> str:
    return _failing(settings, f'{TOOL_CALLS}{{outcome="failed"}}', TOOL_CALLS, "agent, tool")


def unless_model_fails(settings: Settings) -> str:
    """The end of a condition that leaves out agents whose calls of a failing, or limiting, model failed."""
    if TRACES.source not in settings.sources:
        return ""
    failed = _counted(settings, ERRORS, "agent, model")
    failing = f"(\n{_model_failing(settings)}\nor\n{_rate_limited(settings)}\n)"
    return f"\nunless on (agent) (\n{failed} > 0\nand on (model) {failing}\n)"


CALL_CONDITIONS: Mapping[str, NamedCondition] = {
    "model failing": NamedCondition(("model",), _model_failing),
    "model rate limited": NamedCondition(("model",), _rate_limited),
    "tool failing": NamedCondition(("agent", "tool"), _tool_failing),
}
"""By name, such as `model failing`."""
