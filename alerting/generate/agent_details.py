"""What messages say about an agent, without a query for each alert that fires.

The details of all agents are recorded once. The expression of a rule takes them as labels, its annotations read these
labels, and the rule sets them empty, which removes them: so an alert keeps its identity when a detail changes.
"""

from alerting.conditions.freshness_guards import CONFIGURED_WITHIN_AN_HOUR

CONFIGURED = "agent:nervesys_brain_agent_info:hour"
"""1 for each agent that the brain configured within the last hour."""
DETAILS = "agent:nervesys_agent_details:info"
"""1 for each configured agent, with those of `LABELS` that are known."""
GROUP = "agent-details"
LABELS = SERVER, STATUS, ACTION, ACTION_STATE = "agent_server", "agent_status", "agent_action", "agent_action_state"
"""No alert has labels of these names, so that they hide none."""
HEALTHY = ("running", "idle")
"""Recorded as one status: agents change between them all the time, and each change would begin a new series."""

ANNOTATIONS = {
    "server": f"{{{{ $labels.{SERVER} }}}}",
    "last_words": f"{{{{ $labels.{STATUS} }}}}",
    "done": f"{{{{ with $labels.{ACTION} }}}}{{{{ . }}}} is {{{{ $labels.{ACTION_STATE} }}}}{{{{ end }}}}",
}
"""Templates. One whose label is missing is empty, and the message leaves its line out."""


def configured_record() -> dict[str, str]:
    """The rule that records `CONFIGURED`: rules of its own group see it at once, others at most one interval late."""
    return {"record": CONFIGURED, "expr": f"group by (agent) ({CONFIGURED_WITHIN_AN_HOUR})"}


def details_record() -> dict[str, str]:
    """The rule that records `DETAILS`; the last status of an agent that is down is that of the record before."""
    statuses = _labelled("nervesys_agent_status == 1", STATUS, "status")
    statuses = f'label_replace({statuses}, "{STATUS}", "{" or ".join(HEALTHY)}", "status", "{"|".join(HEALTHY)}")'
    actions = _labelled(_labelled('nervesys_open_actions{agent!="*"} > 0', ACTION, "action"), ACTION_STATE, "state")
    known = {
        SERVER: _labelled("nervesys_agent_info", SERVER, "server"),
        STATUS: f'{statuses} or on (agent) {DETAILS}{{{STATUS}!=""}}',
        f"{ACTION}, {ACTION_STATE}": actions,
    }
    joined = "".join(
        f"\n* on (agent) group_left ({labels}) ({_once(expr, labels)} or on (agent) {CONFIGURED})"
        for labels, expr in known.items()
    )
    return {"record": DETAILS, "expr": f"{CONFIGURED}{joined}"}


def with_details(expr: str, *, configured: bool) -> str:
    """An expression whose result carries the details of its agents; it never has fewer series for their lack.

    Args:
        expr: about agents.
        configured: whether its agents are all among those of `CONFIGURED`; else it is evaluated twice.
    """
    joined = f"(\n{expr}\n)\n* on (agent) group_left ({', '.join(LABELS)}) topk by (agent) (1, {DETAILS}"
    if configured:
        return f"{joined} or on (agent) {CONFIGURED})"
    return f"{joined})\nor ((\n{expr}\n) unless on (agent) {DETAILS})"


def without_details() -> dict[str, str]:
    """Labels of a rule that remove those of its result."""
    return dict.fromkeys(LABELS, "")


def _labelled(expr: str, label: str, source: str) -> str:
    return f'label_replace({expr}, "{label}", "$1", "{source}", "(.+)")'


def _once(expr: str, labels: str) -> str:
    """1 for each agent; two series of one agent would fail every rule that is joined with them."""
    return f"topk by (agent) (1, group by (agent, {labels}) ({expr}))"
