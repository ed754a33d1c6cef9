"""Which errors are the same: what differs from one time to the next is left out of their words."""

import re

from nervesys.contract.logs import LogRecord

MAX_CHARACTERS = 400
"""Of an error's words, and of its fingerprint."""
_CHANGING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"  # a UUID
    r"|\b(?=[0-9a-f]*\d)[0-9a-f]{7,}\b"  # a hash, or a commit's id
    r"|\b[0-9A-HJKMNP-TV-Z]{26}\b"  # a ULID
    r"|(?<![^\W\d_])\d+(?:[.,:]\d+)*",  # a number, a time, an address
    re.IGNORECASE,
)


def words_of(record: LogRecord) -> str:
    """What an error says, in one line: its message, and the last line of its traceback where there is one; cut off."""
    trace = (record.context.model_extra or {}).get("traceback")
    last = trace.strip().rpartition("\n")[2].strip() if isinstance(trace, str) else ""
    said = " ".join(record.message.split())
    return (f"{said}: {last}" if last and last not in said else said)[:MAX_CHARACTERS]


def fingerprint(record: LogRecord) -> str:
    """The action and the words of an error, with all that changes from time to time as `#`."""
    return f"{record.action or ''}: {_CHANGING.sub('#', words_of(record).lower())}"[:MAX_CHARACTERS]
