"""Authentication: the bearer tokens that the service accepts, one file each, and those that were just replaced."""

import hashlib
import hmac
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nervesys.clock import Clock
from nervesys.contract.names import creator_name
from nervesys.errors import NervesysError
from nervesys.metrics.http_headers import utf8_forms
from nervesys.settings.rotating_secret import read_previous
from nervesys.settings.secret_file import read_secret_text

ADMIN = "_admin"
"""Name of the administrator's token file; not a valid agent name."""
READ_SECONDS = 5
"""How often the folder is read again, so that added and removed tokens take effect."""
MIN_CHARACTERS = 16

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Caller:
    """The owner of a token.

    Attributes:
        name: of the agent.
        admin: may see everything, and delete.
    """

    name: str
    admin: bool = False


class Tokens:
    """The tokens of a folder, one file each, named by its agent.

    Args:
        folder: of the token files.
        clock: decides when to read the folder again.

    Raises:
        NervesysError: they cannot be read at the start.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder, self._clock = folder, clock
        self._read_at = clock()
        self._changed_at = _changed_at(folder)
        self._callers = _read(folder)

    def caller(self, token: bytes) -> Caller | None:
        """The owner of a token, as the bytes of a request's header; None if nobody owns it.

        It is looked up by its hash, which is compared in constant time, so that timing reveals nothing about tokens.
        """
        if abs(self._clock() - self._read_at) >= READ_SECONDS:
            self._reload()
        found = self._find(token)
        if found is None and _changed_at(self._folder) != self._changed_at:  # rotated a moment ago
            self._reload()
            found = self._find(token)
        return found

    def _find(self, token: bytes) -> Caller | None:
        for form in utf8_forms(token):
            digest = _hash(form)
            known, caller, until = self._callers.get(digest, (b"", None, math.inf))
            if caller and hmac.compare_digest(known, digest) and self._clock() < until:
                return caller
        return None

    def _reload(self) -> None:
        """If the folder cannot be read, the tokens read before stay valid."""
        self._read_at, self._changed_at = self._clock(), _changed_at(self._folder)
        try:
            self._callers = _read(self._folder)
        except NervesysError as err:
            log.warning("%s", err)


def _changed_at(folder: Path) -> int:
    """When files of a folder were last added, replaced or removed, in nanoseconds; 0 if that is not known."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0


def _read(folder: Path) -> Mapping[bytes, tuple[bytes, Caller, float]]:
    """The callers by the hash of their token, and until when it is accepted. A wrong file costs its owner alone."""
    found: dict[bytes, tuple[bytes, Caller, float]] = {}
    try:
        files = [file for file in folder.iterdir() if file.is_file()]
    except OSError as err:
        raise NervesysError(f"read the tokens in {folder}: {err.strerror}") from err
    for file in files:
        caller = _caller(file.name)
        if caller and (token := _read_token(file)):
            for value, until in ((token, math.inf), *((old.value, old.until) for old in read_previous(file))):
                found.setdefault(_hash(value.encode()), (_hash(value.encode()), caller, until))
    return found


def _read_token(file: Path) -> str | None:
    try:
        token = read_secret_text(file)
    except (OSError, ValueError) as err:
        log.warning("read the token in %s: %s", file, getattr(err, "strerror", None) or "not a short text")
        return None
    if len(token) < MIN_CHARACTERS:
        log.warning("the token in %s is not accepted: it has fewer than %s characters", file, MIN_CHARACTERS)
        return None
    return token


def _caller(name: str) -> Caller | None:
    if name == ADMIN:
        return Caller(name, admin=True)
    try:
        return Caller(name) if creator_name(name) == name else None
    except ValueError:
        return None


def _hash(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
