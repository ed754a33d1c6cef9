"""Names in links to dashboards, for the alerts, pages and reports that link to them."""

AGENT_PAGE = "agent-details"
"""Uid of the dashboard of one agent."""
AGENT_VARIABLE = "agent_name"
"""Its variable. Not `agent`: dashboards where several agents may be selected pass `agent` on in their links."""


def variable_for(page: str, label: str) -> str:
    """The variable of a dashboard that takes the value of a label.

    Args:
        page: uid of the dashboard.
        label: such as `agent`.
    """
    return AGENT_VARIABLE if (page, label) == (AGENT_PAGE, "agent") else label
