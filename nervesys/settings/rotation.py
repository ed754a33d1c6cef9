"""Rotation of secrets that are ours: the new one is valid at once, the one before until its overlap ends.

The list of earlier secrets is written first, then the secret. Killed in between, the current one is valid twice, and
nobody is locked out. Both writes are atomic, and a file is private from its first moment.
"""

import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nervesys.audit import AUDIT, AuditAction
from nervesys.errors import NervesysError
from nervesys.plural import count
from nervesys.settings.rotating_secret import PreviousSecret, previous_file, read_previous
from nervesys.settings.secret_file import read_secret_text

RANDOM_BYTES = 20
KEPT = 5
"""Most earlier secrets of a file; more would mean that it is rotated faster than its overlap ends."""
DAY_SECONDS, HOUR_SECONDS = 86_400.0, 3600.0
LOCK = "secrets.lock"
"""Of whoever rotates, below NERVESYS_HOME."""
KNOWN = ("receiver_token", "web_password", "approval_key")
"""Names of files in the folder of secrets that are ours; so is each token of artifacts."""


@dataclass(frozen=True)
class OwnSecret:
    """A secret that only programs of ours know, so that it can be replaced without anyone else.

    Attributes:
        name: such as `receiver_token` or `artifacts/grok`.
        path: of its file.
        copies: further files that hold the same secret.
        after: what an operator does within the overlap; empty if nothing is to do.
    """

    name: str
    path: Path
    copies: tuple[Path, ...] = ()
    after: str = ""

    def age_seconds(self, now: float) -> float:
        """Time since the file was written; never negative."""
        return max(0.0, now - self.path.stat().st_mtime)


AFTER = {
    "receiver_token": (
        "receiver and Alertmanager read the file at each request; copy it to other machines that have it, "
        "and with Grafana's alerting run `nervesys grafana push`"
    ),
    "approval_key": "the receiver reads the file at each request; copy it to other receivers of the same journal",
    "web_password": "our pages and Prometheus read the file at each request; people sign in with the new one",
    "artifacts": "agents of this machine read the file at each request; copy it to the machine of another agent",
    "supervisor": (
        "the receiver tries both; put the new one into supervisord's configuration, and restart supervisord, "
        "before the overlap ends"
    ),
}
"""By name, or by the folder that the name begins with."""


def own_secrets(home: Path, tokens: str, more: Iterable[tuple[str, Path]] = ()) -> list[OwnSecret]:
    """The secrets of ours that lie on this machine.

    Args:
        home: NERVESYS_HOME.
        tokens: folder of the tokens of artifacts, from the home.
        more: names and paths of further ones, which other files of the machine's configuration name.
    """
    folder = home / "secrets"
    named = {folder / name: name for name in KNOWN}
    with suppress(OSError):
        files = sorted(path for path in (home / tokens).iterdir() if path.name[0] != ".")
        named |= {path: f"artifacts/{path.name}" for path in files}
    named |= {path: name for name, path in more}
    return [
        OwnSecret(name, path, tuple(_copies(folder, name)), AFTER.get(name) or AFTER.get(name.partition("/")[0], ""))
        for path, name in named.items()
        if path.is_file()
    ]


def _copies(folder: Path, name: str) -> Iterator[Path]:
    """Docker Compose gives each agent a copy of its token, in a folder of its own."""
    kind, _, agent = name.partition("/")
    if kind == "artifacts" and (copy := folder / "agents-artifacts" / agent).is_file():
        yield copy


def due_secrets(own: Iterable[OwnSecret], days: float, now: float) -> list[OwnSecret]:
    """Those that were last replaced so many days ago, or longer."""
    return [secret for secret in own if secret.age_seconds(now) >= days * DAY_SECONDS]


def rotate(secret: OwnSecret, now: float, overlap_seconds: float, who: str = "daily round") -> None:
    """Replace a secret by a new random one; the old one stays valid for the overlap, and none before it for longer.

    Args:
        secret: to replace.
        now: Unix seconds.
        overlap_seconds: for which the old one is accepted.
        who: asked for it.

    Raises:
        NervesysError: a file cannot be read or written; the old secret is still accepted.
    """
    with AUDIT.watch(AuditAction.ROTATE, who, secret.name):
        _rotate(secret, now, overlap_seconds)


def _rotate(secret: OwnSecret, now: float, overlap_seconds: float) -> None:
    path = secret.path
    copies = [copy for copy in secret.copies if not (copy.is_symlink() and copy.samefile(path))]
    for file in (path, *copies):
        _check_own_file(secret, file)
    try:
        current = read_secret_text(path)
        until = now + overlap_seconds  # also of those before it: one that leaked ends with a rotation without overlap
        earlier = [item for item in read_previous(path) if now < item.until and item.value != current]
        kept = [
            *(PreviousSecret(item.value, min(item.until, until)) for item in earlier),
            PreviousSecret(current, until),
        ]
        listed = [{"value": item.value, "until": item.until} for item in kept[-KEPT:]]
        _replace(previous_file(path), json.dumps(listed), like=path)
        new = secrets.token_hex(RANDOM_BYTES)
        _replace(path, new, like=path)
        for copy in copies:
            _replace(copy, new, like=copy)
    except (OSError, ValueError) as err:
        why = getattr(err, "strerror", None) or "not a short text"
        raise NervesysError(f"rotate {secret.name} in {path}: {why}") from err


def _check_own_file(secret: OwnSecret, file: Path) -> None:
    """A file that Kubernetes, Docker or a tool of configuration links to has its content from there, and gets it again.

    Raises:
        NervesysError: it is a symbolic link.
    """
    if file.is_symlink():
        raise NervesysError(
            f"rotate {secret.name}: {file} is a symbolic link to {file.readlink()}, which another program manages; "
            "nothing was changed: replace the secret there"
        )


def complete_copies(own: Iterable[OwnSecret]) -> None:
    """Write the copies that an interrupted rotation left behind.

    Raises:
        NervesysError: a file cannot be read or written.
    """
    for secret in own:
        try:
            text = read_secret_text(secret.path)
            for copy in secret.copies:
                if not copy.is_symlink() and read_secret_text(copy) != text:
                    _replace(copy, text, like=copy)
        except (OSError, ValueError) as err:
            why = getattr(err, "strerror", None) or "not a short text"
            raise NervesysError(f"copy {secret.name} of {secret.path}: {why}") from err


def rotate_due(
    own: list[OwnSecret], days: float, overlap_hours: float, now: float, rotated: Callable[[OwnSecret, str], None]
) -> list[str]:
    """Rotate what is due; one that fails costs itself alone.

    Args:
        own: candidates.
        days: age from which one is due.
        overlap_hours: for which the old ones are accepted.
        now: Unix seconds.
        rotated: takes each that was tried, with its error or an empty text.

    Returns:
        Problems that need an operator.
    """
    problems = []
    for secret in due_secrets(own, days, now):
        problem = ""
        try:
            rotate(secret, now, overlap_hours * HOUR_SECONDS)
        except NervesysError as err:
            problem = str(err)
            problems.append(problem)
        rotated(secret, problem)
    return problems


def describe_overlap(hours: float) -> str:
    """How long the old secrets are accepted."""
    return f"the old one is accepted for {count(round(hours), 'hour')}" if hours >= 1 else "the old one is refused soon"


def _replace(path: Path, text: str, *, like: Path) -> None:
    """Replace a file atomically and durably: mode 0600, or, in a folder that others may enter, that of the file."""
    owner, draft = like.stat(), path.with_name(f".{path.name}.{os.getpid()}")
    shared = like.parent.stat().st_mode & 0o077
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            with suppress(PermissionError):  # only root gives files away
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            os.fchmod(file.fileno(), owner.st_mode & 0o644 if shared else 0o600)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
