"""A message from one agent to another, as its sender logs it: a record of the category `message`."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from nervesys.contract.names import agent_name
from nervesys.contract.tasks import TaskText
from nervesys.errors import BadObject

ACTION = "message"
"""Action of the records."""
TO, THREAD = "to", "thread"
"""Fields of the record's context."""


def _recipient(value: object) -> object:
    """Names of agents in the form of the contract; other recipients, such as a channel, stay as they are."""
    try:
        return agent_name(value) if isinstance(value, str) else value
    except BadObject:
        return value.strip()[:NAME_LIMIT] if isinstance(value, str) else value


NAME_LIMIT = 200
"""Longest name of a recipient, in characters; longer ones are truncated."""


class AgentMessage(BaseModel):
    """A message as its sender reports it.

    Attributes:
        to: name of the recipient.
        text: of the message.
        thread: names the conversation that it belongs to.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: Annotated[str, BeforeValidator(_recipient), Field(min_length=1)]
    text: str
    thread: TaskText | None = None

    def context(self) -> dict[str, Any]:
        """The context of its log record."""
        return {TO: self.to} | ({THREAD: self.thread} if self.thread else {})
