"""Action `log_to`: alerts as JSON lines in the brain, one file a day, many alerts a commit.

The format_line is appended to the file's newest content on the branch that programs write to, so that no other writer's
format_line is lost. A format_line may stand there twice after a crash; it is never missing.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence

from alerting.drivers.outcome import Cause, Done, Failed, Outcome, Retry
from alerting.journal.records import Record
from nervesys.contract import format_time
from nervesys.contract.paths import time_fields
from nervesys.errors import BrainUnavailable
from nervesys.plural import count
from nervesys.stores.brain import GitBrain

AUTHOR = "receiver"


def format_line(record: Record) -> bytes:
    """One alert as one format_line of JSON."""
    entry = {
        "timestamp": format_time(record.received_at),
        "alert": record.alertname,
        "status": record.status,
        "agent": record.agent or None,
        "severity": record.labels.get("severity"),
        "starts_at": record.starts_at,
        "fingerprint": record.fingerprint,
        "sender": record.sender,
        "labels": record.labels,
        "annotations": record.annotations,
    }
    return json.dumps(entry, ensure_ascii=False, sort_keys=False).encode() + b"\n"


def file_changes(records: Sequence[Record]) -> dict[str, Callable[[bytes | None], bytes]]:
    """Path of each file that the records go to, and what makes its new content from its newest one."""
    files: dict[str, list[bytes]] = defaultdict(list)
    for record in records:
        date = time_fields(record.received_at)["date"]
        files[f"{record.target.rstrip('/')}/{date}.jsonl"].append(format_line(record))
    return {path: _appending(b"".join(lines)) for path, lines in files.items()}


def send(brain: GitBrain | None, records: Sequence[Record]) -> Outcome:
    """Write a batch in one commit; blocks for as long as git does."""
    if brain is None:
        return Failed(Cause.BAD_TARGET, "the brain is a plain folder, which nothing is written to")
    try:
        brain.commit(file_changes(records), f"Log {count(len(records), 'alert')}", AUTHOR)
    except BrainUnavailable as err:
        return Retry(Cause.UNREACHABLE, str(err))
    return Done()


def _appending(lines: bytes) -> Callable[[bytes | None], bytes]:
    def append(newest: bytes | None) -> bytes:
        return (newest or b"") + lines

    return append
