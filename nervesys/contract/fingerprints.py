"""Fingerprints of errors: errors that differ only in numbers, ids and hashes count as the same kind."""

import re

from nervesys.contract.logs import LogRecord

MAX_CHARACTERS = 400
"""Longest text of an error, and longest fingerprint."""
_CHANGING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"  # a UUID
    r"|\b(?=[0-9a-f]*\d)[0-9a-f]{7,}\b"  # a hash, or a commit's id
    r"|\b[0-9A-HJKMNP-TV-Z]{26}\b"  # a ULID
    r"|(?<![^\W\d_])\d+(?:[.,:]\d+)*",  # a number, a time, an address
    re.IGNORECASE,
)


def error_text(record: LogRecord) -> str:
    """The text of an error on one line: its message, and the last line of its traceback; truncated."""
    trace = (record.context.model_extra or {}).get("traceback")
    last = trace.strip().rpartition("\n")[2].strip() if isinstance(trace, str) else ""
    message = " ".join(record.message.split())
    return (f"{message}: {last}" if last and last not in message else message)[:MAX_CHARACTERS]


def fingerprint(record: LogRecord) -> str:
    """The action and text of an error, with everything variable replaced by `#`."""
    return f"{record.action or ''}: {_CHANGING.sub('#', error_text(record).lower())}"[:MAX_CHARACTERS]
