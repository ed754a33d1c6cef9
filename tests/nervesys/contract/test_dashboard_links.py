import pytest

from nervesys.contract.dashboard_links import variable_for


@pytest.mark.parametrize(
    ("page", "label", "variable"),
    [
        ("agent-details", "agent", "agent_name"),
        ("agent-details", "server", "server"),
        ("main-overview", "agent", "agent"),
    ],
)
def test_agent_details_has_a_variable_of_its_own(page: str, label: str, variable: str) -> None:
    assert variable_for(page, label) == variable
