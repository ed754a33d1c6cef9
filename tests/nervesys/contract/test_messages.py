"""What a sender reports of a message."""

import pytest
from pydantic import ValidationError

from nervesys.contract.messages import NAME_LIMIT, AgentMessage


def test_agents_are_named_as_everywhere_and_other_recipients_as_written() -> None:
    assert AgentMessage(to="GROK", text="x").to == "grok"
    assert AgentMessage(to=" #release ", text="x").to == "#release"
    assert len(AgentMessage(to="x y" * NAME_LIMIT, text="x").to) == NAME_LIMIT


def test_a_thread_may_be_a_number() -> None:
    assert AgentMessage.model_validate({"to": "grok", "text": "x", "thread": 7}).context() == {
        "to": "grok",
        "thread": "7",
    }
    assert AgentMessage(to="grok", text="x").context() == {"to": "grok"}


@pytest.mark.parametrize(
    "fields", [{"to": "", "text": "x"}, {"to": "grok"}, {"to": 5, "text": "x"}, {"to": "a", "text": "b", "cc": "c"}]
)
def test_a_message_has_a_recipient_and_a_text(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        AgentMessage.model_validate(fields)
