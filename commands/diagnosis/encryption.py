"""Encryption: what it covers, and whether this machine's identity opens it."""

from collections.abc import Iterator

from commands.diagnosis.finding import DoctorFinding, fail, ok, warn
from nervesys.errors import BadObject
from nervesys.plural import count
from nervesys.settings.storage import EncryptionSettings
from nervesys.stores.encryption import FILE, WHERE, current_identity, missing_package, public_keys

SUBJECT = "encryption"
COVERED = "logs, traces, backups, copies of databases and workspaces, and the text of states"
BETWEEN_AGENTS = "knowledge and contents of artifacts"
UNCOVERED = "server metrics, the numbers of states, vital signs, reports and the brain stay readable"
GIVE_IDENTITY = f"set {FILE} to the file that age-keygen wrote"


def check_encryption(settings: EncryptionSettings, role: str) -> Iterator[DoctorFinding]:
    """What is encrypted, and whether this machine can read it.

    Args:
        settings: of the storage; this process has the identity.
        role: `agent`, which writes and needs no identity unless agents' data for each other is encrypted, or another.
    """
    if not settings.recipients:
        yield ok(SUBJECT, "off, because encryption.recipients is empty")
        return
    yield ok(SUBJECT, describe_coverage(settings))
    if problem := missing_package():
        yield fail(SUBJECT, problem, "install it")
        return
    yield from _judge_identity(settings, required=settings.between_agents, wanted=role != "agent")


def describe_coverage(settings: EncryptionSettings) -> str:
    """What the settings encrypt, and what they do not."""
    readers = (
        f"{count(len(settings.recipients), 'recipient')} alone {'reads' if len(settings.recipients) == 1 else 'read'}"
    )
    if settings.between_agents:
        return f"{readers} {COVERED}, {BETWEEN_AGENTS}; {UNCOVERED}"
    return (
        f"{readers} {COVERED}; {UNCOVERED}; so do {BETWEEN_AGENTS}, which agents read from each other: "
        "give each agent the identity, and set encryption.between_agents"
    )


def _judge_identity(settings: EncryptionSettings, *, required: bool, wanted: bool) -> Iterator[DoctorFinding]:
    if current_identity() is None:
        if required:
            what = f"no identity is set, and {BETWEEN_AGENTS} are encrypted (encryption.between_agents)"
            yield fail(SUBJECT, what, GIVE_IDENTITY)
        elif wanted:
            yield warn(SUBJECT, "no identity is set: what is encrypted is counted as no_identity here", GIVE_IDENTITY)
        return
    try:
        keys = public_keys()
    except BadObject as bad:
        yield fail(SUBJECT, bad.detail, GIVE_IDENTITY)
        return
    if keys.isdisjoint(settings.recipients):
        what = f"the identity of {WHERE} opens {', '.join(sorted(keys))}, which is none of encryption.recipients"
        yield fail(SUBJECT, what, "add this public key to encryption.recipients, or set the identity of a recipient")
    else:
        yield ok(SUBJECT, "the identity opens what is encrypted from now on")
