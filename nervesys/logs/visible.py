r"""Text that somebody else wrote, made safe for terminals and readers.

Control characters could move the cursor, set the title or answer for the reader; those that change the direction of
text, or have no width, hide what is there. All of them become escapes such as `\x1b`.
"""

import re
from typing import Any

from nervesys.logs.entries import LogEntry

CONTEXT_FIELDS = ("context", "metadata")
LONG_FIELDS = ("traceback", "stack")
"""Fields of the context that have several lines; shown below the line."""
VALUE_CHARACTERS = 200
"""Of one field on the line."""


def visible(text: str) -> str:
    """A text on one line."""
    if text.isprintable():
        return text
    return "".join(part if part.isprintable() else _escape(part) for part in text)


def visible_lines(text: str) -> list[str]:
    """The lines of a text."""
    return [visible(line.expandtabs(4)) for line in text.rstrip().split("\n")]


def visible_json(line: bytes) -> str:
    r"""A line of JSON that means the same, with `\u009b` for a control character that JSON would allow."""
    text = line.decode(errors="replace")
    return text if text.isprintable() else re.sub(r"[^\x20-\x7e]", _json_escape, text)


def fields_of(entry: LogEntry) -> dict[str, str]:
    """Fields of context and metadata as text, without the long ones."""
    parts: dict[str, str] = {}
    for name, value in _context(entry):
        if name not in LONG_FIELDS:
            text = value if isinstance(value, str) else str(value)
            parts[visible(name)] = visible(text if len(text) <= VALUE_CHARACTERS else f"{text[:VALUE_CHARACTERS]}…")
    return parts


def details_of(entry: LogEntry) -> list[str]:
    """The lines that belong below a record: the rest of its message, a traceback."""
    _, *rest = visible_lines(entry.message)
    for name, value in _context(entry):
        if name in LONG_FIELDS and isinstance(value, str):
            rest += visible_lines(value)
    return rest


def first_line(entry: LogEntry) -> str:
    """The first line of the message."""
    return visible_lines(entry.message)[0]


def _context(entry: LogEntry) -> list[tuple[str, Any]]:
    if not any(f'"{name}"'.encode() in entry.line for name in CONTEXT_FIELDS):
        return []
    fields = entry.fields
    return [item for name in CONTEXT_FIELDS if isinstance(fields.get(name), dict) for item in fields[name].items()]


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _json_escape(match: re.Match[str]) -> str:
    character = match[0]
    if character.isprintable():
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
