"""The one table of queries that find nothing in a healthy stack on one machine, each with the reason.

An entry that finds data while its reason holds is wrong, and fails.
"""

from dataclasses import dataclass

from dashboards.shared import FIRING


@dataclass(frozen=True)
class EmptyReason:
    """Why a query finds nothing.

    Attributes:
        text: for people.
        unless: PromQL; once it finds anything the reason has passed, and data is welcome. Empty where it never passes.
    """

    text: str
    unless: str = ""


COMPARED = ("Completed tasks", "Errors", "Failed tasks", "Tokens")
PAGES = (
    "agent-details",
    "alerts-actions",
    "artifacts",
    "config-changes",
    "historical-trends",
    "hygiene",
    "main-overview",
    "stack-health",
    "storage-retention",
    "vitality",
    "workspaces",
)
QUIET = EmptyReason(
    "No alert fired but the Watchdog, and tests.",
    unless=f"last_over_time({FIRING}[7d])",
)
NOTHING_BAD = EmptyReason(
    "No object broke the contract.", unless="max_over_time(nervesys_exporter_rejected_objects_total[7d]) > 0"
)
NOTHING_DONE = EmptyReason("No agent needed an action.", unless="max_over_time(nervesys_actions_total[7d]) > 0")
NOTHING_CHANGED = EmptyReason(
    "The configuration is older than what is known of the fleet.",
    unless="changes(max(nervesys_brain_config_change_timestamp_seconds)[7d:1m]) > 0"
    " or last_over_time(nervesys_log_records_total[6d] offset 1d)",  # as after `nervesys history backfill`
)
JUST_CHANGED = EmptyReason(
    "The newest change is minutes old, and means are made of one value in ten.",
    unless="nervesys_brain_config_change_timestamp_seconds",  # data is welcome at any time
)
NO_REPORTED_ERROR = EmptyReason("No agent told the brain of an error.", unless="nervesys_brain_error_log_lines")
NEVER_DRILLED = EmptyReason("Nobody tried to restore a backup.", unless="nervesys_restore_drill_timestamp_seconds")
NOTHING_REFUSED = EmptyReason(
    "The service refused nothing that waited.", unless="max_over_time(nervesys_artifact_refused_requests[7d]) > 0"
)
NO_LANGGRAPH = EmptyReason("The settings name no database of LangGraph.", unless="nervesys_checkpoints")
NOT_ON_GITHUB = EmptyReason("The brain is a plain Git repository.")

EXPECTED_EMPTY: dict[str, EmptyReason] = {
    **{f"{page} / Actions / annotation": NOTHING_DONE for page in PAGES},
    "agent-details / Actions / A": NOTHING_DONE,
    "alerts-actions / Actions by agent / A": NOTHING_DONE,
    "alerts-actions / Actions by state / A": NOTHING_DONE,
    "alerts-actions / Alerts in the time range / A": QUIET,
    "alerts-actions / Alerts in the time range / B": QUIET,
    "alerts-actions / Duration of driver calls / A": NOTHING_DONE,
    "alerts-actions / Duration of driver calls / B": NOTHING_DONE,
    "alerts-actions / Firing now / A": QUIET,
    "alerts-actions / History of alerts / A": QUIET,
    "alerts-actions / Median recovery / A": NOTHING_DONE,
    "alerts-actions / Open actions now / A": NOTHING_DONE,
    "alerts-actions / Time to recovery / A": NOTHING_DONE,
    "alerts-actions / Time to recovery / B": NOTHING_DONE,
    **{f"artifacts / What LangGraph keeps / {query}": NO_LANGGRAPH for query in "ABCD"},
    "artifacts / Waiting by agent / B": NOTHING_REFUSED,
    "config-changes / Agents by the brain / C": NO_REPORTED_ERROR,
    **{f"config-changes / {title}, before and after / A": NOTHING_CHANGED for title in COMPARED},
    **{f"config-changes / {title}, before and after / B": JUST_CHANGED for title in COMPARED},
    "hygiene / Duration of drills / A": NEVER_DRILLED,
    "hygiene / Duration of runs / A": NOT_ON_GITHUB,
    "hygiene / Failed deployments / A": NOT_ON_GITHUB,
    "hygiene / It took / A": NEVER_DRILLED,
    "hygiene / Its outcome / A": NEVER_DRILLED,
    "hygiene / Last drill / A": NEVER_DRILLED,
    "hygiene / Newest run of each workflow / A": NOT_ON_GITHUB,
    "hygiene / Runs by conclusion / A": NOT_ON_GITHUB,
    "hygiene / Size of what came back / A": NEVER_DRILLED,
    "main-overview / Firing now / A": QUIET,
    "main-overview / What was done / A": NOTHING_DONE,
    "stack-health / GitHub quota left / A": NOT_ON_GITHUB,
    "stack-health / Objects rejected by reason / A": NOTHING_BAD,
}
"""By page, panel and query."""
