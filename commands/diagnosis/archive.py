"""The archive: can it be listed, may this role write to it, and is there room?"""

from collections.abc import Callable, Iterator, Mapping
from uuid import uuid4

from commands.diagnosis.finding import DoctorFinding, fail, ok, warn
from nervesys.plural import count
from nervesys.stores.archive import Archive

SUBJECT = "archive"
REMEDY = "check NERVESYS_ARCHIVE; for Drive, GDRIVE_SERVICE_ACCOUNT_JSON and that the folder is shared with the account"
ROOM = "make room, or move to a larger archive"
FULL_SHARE, LOW_SHARE = 0.98, 0.9
"""Shares of the limit that are used."""


def judge_quota(quota: Mapping[str, int]) -> DoctorFinding:
    """How much room is left.

    Args:
        quota: bytes by kind, as `Archive.quota` returns them.
    """
    limit, used = quota.get("limit", 0), quota.get("used", 0)
    if not limit:
        return ok(SUBJECT, "it has no quota")
    text = f"{used / limit:.0%} of {limit / (1 << 30):.1f} GiB are used"
    if used >= FULL_SHARE * limit:
        return fail(SUBJECT, text, ROOM)
    return warn(SUBJECT, text, ROOM) if used >= LOW_SHARE * limit else ok(SUBJECT, text)


def check_archive(open_: Callable[[bool], Archive], *, configured: bool, writes: bool) -> Iterator[DoctorFinding]:
    """List the archive, ask for its quota, and write and delete a small file where the role writes.

    Args:
        open_: opens it; whether it must be writable.
        configured: whether the settings name one.
        writes: whether the role writes to it.
    """
    if not configured:
        yield warn(
            SUBJECT, "none is configured: logs stay in the store, and there are no backups", "set NERVESYS_ARCHIVE"
        )
        return
    archive = open_(writes)
    files = sum(entry.size is not None for entry in archive.list().entries)
    yield ok(SUBJECT, f"listed {count(files, 'file')}")
    yield judge_quota(archive.quota())
    if writes:
        path = f"nervesys-doctor-{uuid4().hex}"
        archive.put(path, b"x")
        archive.delete(path)
        yield ok(SUBJECT, "wrote and deleted a file")
    else:
        yield ok(SUBJECT, "this role writes nothing here; for that of the daily round: --role round")
