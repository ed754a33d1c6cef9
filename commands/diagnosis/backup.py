"""The newest full backup: is it recent, whole, and does it contain every part?"""

from collections.abc import Iterator

from commands.diagnosis.finding import DoctorFinding, fail, ok, warn
from nervesys.agent.backup.collect import LEFT_OUT, PLAIN_FOLDER
from nervesys.agent.backup.retention import BackupState
from nervesys.contract import parse_time
from nervesys.contract.times import DAY_SECONDS
from nervesys.plural import count

SUBJECT = "backup"
REMEDY = "run `nervesys backup` on the receiver's host, or `nervesys round`; docs/how-to/backup.md"
AS_ASKED = (LEFT_OUT, PLAIN_FOLDER)
"""Reasons that need no remedy."""
OLD_DAYS = 2
"""Age in days from which a backup is old: the round makes one each day."""


def judge_backup(state: BackupState, now: float) -> Iterator[DoctorFinding]:
    """Judge the newest backup.

    Args:
        state: as `read_state` found it.
        now: Unix seconds.
    """
    if state.path is None:
        yield warn(SUBJECT, "there is no full backup yet", REMEDY)
        return
    days = int((now - parse_time(state.date)) // DAY_SECONDS)
    if days < -1:
        remedy = "delete it from the archive, or restore another by `nervesys restore --at DATE`"
        yield fail(SUBJECT, f"{state.path} is dated in the future, so it is taken for the newest", remedy)
        return
    if days >= OLD_DAYS:
        yield fail(SUBJECT, f"the newest, {state.path}, is {count(days, 'day')} old", REMEDY)
    if state.problems:
        more = f"; and {len(state.problems) - 1} more" if len(state.problems) > 1 else ""
        yield fail(SUBJECT, f"{state.path} is not whole: {state.problems[0]}{more}", REMEDY)
    if state.manifest is None:
        return
    for part, reason in state.manifest.missing.items():
        if not reason.startswith(AS_ASKED):
            yield warn(SUBJECT, f"the newest lacks {part}; {reason}", REMEDY)
    if days < OLD_DAYS and not state.problems:
        size = f"{count(state.manifest.files, 'file')}, {count(state.manifest.bytes, 'byte')}"
        yield ok(SUBJECT, f"{state.path} is whole: {size}, made by {state.manifest.by}")
