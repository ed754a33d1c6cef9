"""Messages between agents, from their senders' log records."""

from dataclasses import asdict, dataclass
from typing import Any

from nervesys.contract import Category, agent_name, format_time
from nervesys.contract.messages import THREAD, TO
from nervesys.errors import BadObject
from nervesys.logs.entries import LogEntry


@dataclass(frozen=True)
class SentMessage:
    """A message.

    Attributes:
        at: Unix seconds.
        sender: the agent that logged it.
        recipient: name of an agent, or whatever the sender wrote; empty where the record names none.
        thread: the conversation that it belongs to; empty for none.
        text: of the message.
        server: on which the sender runs.
    """

    at: float
    sender: str
    recipient: str
    thread: str
    text: str
    server: str

    def as_json(self) -> dict[str, Any]:
        """The message with its time as text."""
        fields = asdict(self)
        return {
            "at": format_time(fields.pop("at")),
            "from": fields.pop("sender"),
            "to": fields.pop("recipient"),
        } | fields


@dataclass(frozen=True)
class MessageFilter:
    """Which messages are wanted; an empty condition permits every value.

    Attributes:
        agent: that sent or received it.
        thread: that it belongs to.
        peer: at the other side.
    """

    agent: str = ""
    thread: str = ""
    peer: str = ""

    def accepts(self, entry: LogEntry) -> bool:
        """Whether a record is such a message."""
        message = message_of(entry)
        if message is None or (self.thread and message.thread != self.thread):
            return False
        sides = [message.sender, message.recipient]
        return all(name in sides for name in (self.agent, self.peer) if name)


def message_of(entry: LogEntry) -> SentMessage | None:
    """The message of a record; None for a record of another category."""
    if entry.category is not Category.MESSAGE:
        return None
    context = entry.fields.get("context")
    context = context if isinstance(context, dict) else {}
    return SentMessage(
        entry.at, entry.agent, _recipient(context.get(TO)), _text(context.get(THREAD)), entry.message, entry.server
    )


def _recipient(value: object) -> str:
    """As metrics name it: agents in lower case."""
    try:
        return agent_name(_text(value))
    except BadObject:
        return _text(value)


def _text(value: object) -> str:
    return "" if value is None else str(value)
