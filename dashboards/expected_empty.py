"""Queries without data in a healthy stack on one machine, each with the reason.

The check fails if such a query has data while its reason holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dashboards.shared import FIRING
from nervesys.queries.dashboard_queries import PanelQuery


@dataclass(frozen=True)
class EmptyReason:
    """Why a query finds nothing.

    Attributes:
        text: for people.
        unless: PromQL; if it has a result, the reason no longer holds. Empty if it always holds.
    """

    text: str
    unless: str = ""


COMPARED = ("Completed tasks", "Errors", "Failed tasks", "Tokens")
QUIET = EmptyReason(
    "No alert fired but the Watchdog, and tests.",
    unless=f"last_over_time({FIRING}[7d])",
)
NOTHING_BAD = EmptyReason(
    "No object was rejected.", unless="max_over_time(nervesys_exporter_rejected_objects_total[7d]) > 0"
)
NOTHING_DONE = EmptyReason("No agent needed an action.", unless="max_over_time(nervesys_actions_total[7d]) > 0")
NOTHING_CHANGED = EmptyReason(
    "The configuration is older than the data about the fleet.",
    unless="changes(max(nervesys_brain_config_change_timestamp_seconds)[7d:1m]) > 0"
    " or last_over_time(nervesys_log_records_total[6d] offset 1d)",  # as after `nervesys history backfill`
)
JUST_CHANGED = EmptyReason(
    "The newest change is minutes old, and means are taken over one value per ten minutes.",
    unless="nervesys_brain_config_change_timestamp_seconds",  # data is allowed at any time
)
BETWEEN_TASKS = EmptyReason(
    "The agent is between two tasks.",
    unless="nervesys_agent_heartbeat_timestamp_seconds",  # data is allowed at any time
)
NO_REPORTED_ERROR = EmptyReason("No agent wrote an error to the brain.", unless="nervesys_brain_error_log_lines")
NEVER_DRILLED = EmptyReason("No restore drill was run.", unless="nervesys_restore_drill_timestamp_seconds")
NOTHING_REFUSED = EmptyReason(
    "The service rejected no request.", unless="max_over_time(nervesys_artifact_refused_requests[7d]) > 0"
)
NO_LANGGRAPH = EmptyReason("No LangGraph database is configured.", unless="nervesys_checkpoints")
NOT_A_DAY = EmptyReason(
    "Growth is known after a day.", unless="last_over_time({__name__=~'nervesys_(store|archive)_bytes'}[1d] offset 1d)"
)
FEW_TASKS = EmptyReason(
    "Too few tasks of one name have ended to know what is usual.",
    unless="last_over_time(nervesys_agent_task_limit_seconds[1d])",
)
NO_BUDGET = EmptyReason("No budget is configured.", unless="nervesys_budget_limit")
NO_QUEUE = EmptyReason("No agent reports a queue.", unless="nervesys_agent_queue_tasks")
NO_CALL_FAILED = EmptyReason("No call of a model failed.", unless="max_over_time(nervesys_gen_ai_errors_total[7d])")
NO_TOOL_FAILED = EmptyReason(
    "No call of a tool failed.", unless='max_over_time(nervesys_agent_tool_calls_total{outcome="failed"}[7d])'
)
NOT_ON_GITHUB = EmptyReason("The brain is a plain Git repository.")

EXPECTED_EMPTY: dict[str, EmptyReason] = {
    "* / Actions / annotation": NOTHING_DONE,
    "agent-details / Actions / A": NOTHING_DONE,
    "agent-details / Running task / A": BETWEEN_TASKS,
    "agent-details / Time without progress / A": BETWEEN_TASKS,
    "agent-details / Errors by kind / A": NO_CALL_FAILED,
    "agent-details / Running task / B": FEW_TASKS,
    "agent-details / Waiting tasks / A": NO_QUEUE,
    "main-overview / Waiting tasks / A": NO_QUEUE,
    **{
        f"cost / Budgets of {scope} / {query}": NO_BUDGET
        for scope in ("agents", "fleet and models")
        for query in "ABCDE"
    },
    "alerts-actions / Actions by agent / A": NOTHING_DONE,
    "alerts-actions / Actions by state / A": NOTHING_DONE,
    "alerts-actions / Alerts in the time range / A": QUIET,
    "alerts-actions / Alerts in the time range / B": QUIET,
    "alerts-actions / Duration of driver calls / A": NOTHING_DONE,
    "alerts-actions / Duration of driver calls / B": NOTHING_DONE,
    "alerts-actions / Firing alerts / A": QUIET,
    "alerts-actions / Alert history / A": QUIET,
    "alerts-actions / Median recovery / A": NOTHING_DONE,
    "alerts-actions / Open actions now / A": NOTHING_DONE,
    "alerts-actions / Time to recovery / A": NOTHING_DONE,
    "alerts-actions / Time to recovery / B": NOTHING_DONE,
    **{f"artifacts / LangGraph databases / {query}": NO_LANGGRAPH for query in "ABCD"},
    "artifacts / Waiting by agent / B": NOTHING_REFUSED,
    "calls / Errors by kind / A": NO_CALL_FAILED,
    "calls / Failed tool calls / A": NO_TOOL_FAILED,
    "config-changes / Agents in the brain / C": NO_REPORTED_ERROR,
    **{f"config-changes / {title}, before and after / A": NOTHING_CHANGED for title in COMPARED},
    **{f"config-changes / {title}, before and after / B": JUST_CHANGED for title in COMPARED},
    "hygiene / Duration of drills / A": NEVER_DRILLED,
    "hygiene / Duration of runs / A": NOT_ON_GITHUB,
    "hygiene / Failed deployments / A": NOT_ON_GITHUB,
    "hygiene / Drill duration / A": NEVER_DRILLED,
    "hygiene / Drill result / A": NEVER_DRILLED,
    "hygiene / Last drill / A": NEVER_DRILLED,
    "hygiene / Newest run of each workflow / A": NOT_ON_GITHUB,
    "hygiene / Runs by conclusion / A": NOT_ON_GITHUB,
    "hygiene / Restored data / A": NEVER_DRILLED,
    "main-overview / Firing alerts / A": QUIET,
    "main-overview / Actions / A": NOTHING_DONE,
    "stack-health / GitHub quota left / A": NOT_ON_GITHUB,
    "storage-retention / Areas of the archive / C": NOT_A_DAY,
    "storage-retention / Areas of the store / C": NOT_A_DAY,
    "storage-retention / Growth of the archive a day / A": NOT_A_DAY,
    "stack-health / Objects rejected by reason / A": NOTHING_BAD,
}
"""By page, panel and query; `*` stands for every page."""


def reason_of(query: PanelQuery, reasons: Mapping[str, EmptyReason]) -> EmptyReason | None:
    """Why a query has no data; None if it should have some."""
    return reasons.get(str(query)) or reasons.get(f"* / {query.panel} / {query.ref}")
