"""A secret in a file that may be rotated while programs run: the new one counts at once, earlier ones for a while.

secrets/receiver_token             the secret
secrets/.receiver_token.previous   JSON: those before it, each with the end of its overlap
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from nervesys.clock import Clock, system_clock
from nervesys.settings.secret_file import read_secret_text


@dataclass(frozen=True)
class PreviousSecret:
    """A secret that was replaced.

    Attributes:
        value: the secret.
        until: Unix seconds until which it is accepted.
    """

    value: str
    until: float


def previous_file(path: Path) -> Path:
    """The file of the secrets that one in a file replaced; hidden, so that it counts as no secret itself."""
    return path.with_name(f".{path.name}.previous")


def read_previous(path: Path) -> tuple[PreviousSecret, ...]:
    """The secrets that were replaced by the one in a file; none if there is no such list, or it is damaged."""
    try:
        items = json.loads(previous_file(path).read_bytes())
        return tuple(PreviousSecret(str(item["value"]), float(item["until"])) for item in items)
    except (OSError, ValueError, KeyError, TypeError):
        return ()


class SecretFromFile(SecretStr):
    """A secret whose file is read again when it changes, so that it can be rotated while programs run.

    Args:
        path: of the file.
        clock: ends the time for which a secret that was replaced is accepted.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no short text.
    """

    def __init__(self, path: Path, clock: Clock = system_clock) -> None:
        self.path, self._clock = path, clock
        self._stamps = self._stat()
        self._previous = read_previous(path)
        super().__init__(read_secret_text(path))

    def get_secret_value(self) -> str:
        """The secret as the file has it now; the last one while the file cannot be read, or is empty."""
        self._refresh()
        return str(self._secret_value)

    def valid_values(self) -> tuple[str, ...]:
        """The secret, and those before it that are still accepted."""
        self._refresh()
        now = self._clock()
        return (str(self._secret_value), *(secret.value for secret in self._previous if now < secret.until))

    def _refresh(self) -> None:
        if (stamps := self._stat()) == self._stamps:
            return
        with suppress(OSError, ValueError):
            text = read_secret_text(self.path)
            if text:
                self._secret_value, self._stamps, self._previous = text, stamps, read_previous(self.path)

    def _stat(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(map(_stamp, (self.path, previous_file(self.path))))


def valid_values(secret: SecretStr) -> tuple[str, ...]:
    """What a listener accepts: the secret, and those before it whose overlap has not ended; the newest first."""
    return secret.valid_values() if isinstance(secret, SecretFromFile) else (secret.get_secret_value(),)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
