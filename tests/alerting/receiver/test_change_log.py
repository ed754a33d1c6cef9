"""What the receiver logs about changes: few one by one, many by kind."""

from alerting.journal import ActionState, StateChange
from alerting.receiver.change_log import MOST, describe_changes


def test_few_changes_are_logged_one_by_one() -> None:
    change = StateChange("grok", "restart_agent", ActionState.PENDING, "AgentDown is firing")
    assert list(describe_changes([change, StateChange("", "log_to", ActionState.PENDING)])) == [
        "restart_agent of grok: pending AgentDown is firing",
        "log_to of -: pending ",
    ]


def test_of_a_storm_each_kind_is_a_line() -> None:
    rejected = [StateChange("unknown", "none", ActionState.REJECTED, "unknown_agent")] * 6000
    opened = [
        StateChange(f"agent-{number}", "restart_agent", ActionState.PENDING, "AgentDown is firing")
        for number in range(MOST)
    ]
    assert list(describe_changes([*rejected, *opened])) == [
        "none: rejected unknown_agent, 6000 times, such as unknown",
        "restart_agent: pending AgentDown, 20 times, such as agent-0, agent-1, agent-2",
    ]
