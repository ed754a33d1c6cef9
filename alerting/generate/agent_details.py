"""What messages say about an agent, without a query for each alert that fires.

The details of all agents are recorded, as one label. The expression of a rule takes it, its description shows it,
and the rule sets it empty, which removes it: so an alert keeps its identity when a detail changes.
Prometheus fills in each label and annotation of each alert that fires at each evaluation (about 25 µs each, which
thousands of alerts multiply): so all details are one label, and no annotation of their own.
"""

from alerting.conditions.freshness_guards import CONFIGURED_WITHIN_AN_HOUR

CONFIGURED = "agent:nervesys_brain_agent_info:hour"
"""1 for each agent that the brain configured within the last hour."""
STATE = "agent:nervesys_agent_state:info"
"""1 for each configured agent, with its server and last status in `LABEL`."""
DETAILS = "agent:nervesys_agent_details:info"
"""The same, with the action that is open too: a message about a recovery is made of what was known just before."""
STATE_GROUP, EVALUATIONS = "agent-state", 4
"""Recorded at each fourth evaluation: it costs most, and agents change server and status no faster."""
DETAILS_GROUP = "agent-details"
LABEL = "agent_details"
"""A line for each detail that is known, such as `Server: web-1`. It hides no label: no alert has one of this name."""
ANNOTATION = f"{{{{ $labels.{LABEL} }}}}"
"""Template; each detail begins with a line break."""
HEALTHY = "running or idle"
"""Recorded as one status: agents change between them all the time, and each change would begin a new series."""
SERVER, STATUS, ACTION = "agent_server", "agent_status", "agent_action"
"""Labels of which `LABEL` is made."""
_SERVER, _STATUS, _ACTION = r"\nServer: ", r"\nLast status: ", r"\nWhat was done: "
"""As PromQL writes them."""


def state_records() -> list[dict[str, str]]:
    """The rules of the group that records states."""
    return [
        {"record": CONFIGURED, "expr": f"group by (agent) ({CONFIGURED_WITHIN_AN_HOUR})"},
        {"record": STATE, "expr": _state()},
    ]


def details_record() -> dict[str, str]:
    """The rule that adds open actions to states; few agents have one."""
    actions = f'label_join(nervesys_open_actions{{agent!="*"}} > 0, "{ACTION}", " is ", "action", "state")'
    actions = f'label_replace({actions}, "{ACTION}", "{_ACTION}$1", "{ACTION}", "(.+)")'
    joined = f"{STATE} * on (agent) group_left ({ACTION}) {_once(actions, ACTION)}"
    both = f'group by (agent, {LABEL}) (label_join({joined}, "{LABEL}", "", "{LABEL}", "{ACTION}"))'
    return {"record": DETAILS, "expr": f"{both}\nor on (agent) {STATE}"}


def with_details(expr: str, *, configured: bool) -> str:
    """An expression whose result carries the details of its agents.

    Args:
        expr: about agents.
        configured: the result is only about configured agents; else about all of the expression, which is evaluated
            twice.
    """
    # Until the results before a restart of Prometheus are forgotten, two series of an agent may differ in their label.
    joined = f"(\n{expr}\n)\n* on (agent) group_left ({LABEL}) topk by (agent) (1, {DETAILS})"
    return joined if configured else f"{joined}\nor ((\n{expr}\n) unless on (agent) {DETAILS})"


def without_details() -> dict[str, str]:
    """The label of a rule that removes that of its result."""
    return {LABEL: ""}


def _state() -> str:
    """The last status of an agent that is down is that of the record before."""
    servers = f'label_replace(nervesys_agent_info, "{SERVER}", "{_SERVER}$1", "server", "(.+)")'
    statuses = f'label_replace(nervesys_agent_status == 1, "{STATUS}", "{_STATUS}$1", "status", "(.+)")'
    statuses = (
        f'label_replace({statuses}, "{STATUS}", "{_STATUS}{HEALTHY}", "status", "{HEALTHY.replace(" or ", "|")}")'
    )
    last = f'"(?s:.*)({_STATUS}[^\\n]*)(?s:.*)"'
    before = f'label_replace({STATE} unless on (agent) nervesys_agent_status, "{STATUS}", "$1", "{LABEL}", {last})'
    known = {SERVER: servers, STATUS: f"{statuses} or on (agent) {before}"}
    joined = "".join(
        f"\n* on (agent) group_left ({label}) ({_once(expr, label)} or on (agent) {CONFIGURED})"
        for label, expr in known.items()
    )
    sources = ", ".join(f'"{label}"' for label in known)
    return f'group by (agent, {LABEL}) (label_join(\n{CONFIGURED}{joined},\n"{LABEL}", "", {sources}))'


def _once(expr: str, label: str) -> str:
    """1 for each agent; two series of one agent would fail every rule that is joined with them."""
    return f"topk by (agent) (1, group by (agent, {label}) ({expr}))"
