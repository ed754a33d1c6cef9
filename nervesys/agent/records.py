"""From what was said to a line of the contract, without its secrets; the only way into the buffer."""

from itertools import count
from typing import Any, NamedTuple

import orjson

from nervesys.agent.handler import Said
from nervesys.agent.plain import mended
from nervesys.contract import Category, Level, format_time
from nervesys.contract.logs import LEVELS, category_of
from nervesys.redact import Redactor

LINE_BYTES = 65_536
"""Of one record; of one that is longer, what is beside the message is left out."""


class Row(NamedTuple):
    """A record as the buffer keeps it.

    Attributes:
        at: Unix seconds.
        level: its place in `LEVELS`.
        category: of the contract.
        line: JSON, and the end of the line.
    """

    at: float
    level: int
    category: str
    line: bytes


class Scribe:
    """Writes lines.

    Args:
        agent: who speaks.
        instance: new at every start; with a number it makes the `id` by which a record that was shipped twice is known.
        redactor: knows what is secret.
    """

    def __init__(self, agent: str, instance: str, redactor: Redactor) -> None:
        self._agent, self._redactor = agent, redactor
        self._prefix = instance.replace("-", "")[:12]
        self._numbers = count(1)

    def row(self, said: Said) -> Row:
        """A record as the buffer keeps it."""
        level = rank_of(said.severity)
        category = (category_of(said.category) if said.category else _category(said, level)).value
        fields: dict[str, Any] = {
            "timestamp": format_time(said.at),
            "id": f"{self._prefix}-{next(self._numbers)}",
            "agent_id": self._agent,
            "level": LEVELS[level].value,
            "category": category,
            "action": said.action or said.logger,
            "message": said.message,
        }
        suspect = f"{said.message}\n{said.action}"
        if said.context:
            fields["context"] = orjson.Fragment(said.context)
            suspect += said.context
        if said.metadata:
            fields["metadata"] = orjson.Fragment(said.metadata)
            suspect += said.metadata
        return Row(said.at, level, category, self._line(fields, suspect))

    def _line(self, fields: dict[str, Any], suspect: str) -> bytes:
        try:
            line = orjson.dumps(fields)
        except TypeError:  # half a pair of surrogates
            line = orjson.dumps({**fields, "action": mended(fields["action"]), "message": mended(fields["message"])})
        if len(line) > LINE_BYTES or self._redactor.suspects(suspect):
            line = self._redactor.line(line)
        if len(line) > LINE_BYTES:
            short = {key: value for key, value in orjson.loads(line).items() if key not in {"context", "metadata"}}
            line = orjson.dumps({**short, "context": {"left_out_bytes": len(line)}})
        return line + b"\n"


def rank_of(severity: int) -> int:
    """The place in `LEVELS` of a severity as the logging module counts it."""
    return min(max(severity // 10 - 1, 0), len(LEVELS) - 1)


def _category(said: Said, level: int) -> Category:
    if LEVELS[level] is Level.ERROR:
        return Category.ERRORS
    return Category.SYSTEM if said.logger.startswith("nervesys.") else Category.ACTIVITY
