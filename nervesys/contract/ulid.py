"""ULIDs: ids of 26 characters that sort by their creation time in milliseconds."""

import secrets
from typing import NamedTuple

from nervesys.clock import Clock
from nervesys.contract.times import format_time

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's Base32, without ambiguous letters."""
PATTERN = f"^[0-7][{ALPHABET}]{{25}}$"
TIME_CHARACTERS = 10
RANDOM_CHARACTERS = 16
COUNTED_CHARACTERS = 4
LAST = 32**COUNTED_CHARACTERS - 1
PAIRS = tuple(a + b for a in ALPHABET for b in ALPHABET)


class TimedId(NamedTuple):
    """An id and its creation time in RFC 3339."""

    id: str
    timestamp: str


class UlidGenerator:
    """Generates stamps. Within one millisecond a counter is incremented, from a random start.

    Args:
        clock: source of the time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._millisecond = -1
        self._counter = LAST
        self._stem = self._timestamp = ""

    def next(self) -> TimedId:
        """The next stamp; ids rise within a millisecond. Not thread-safe."""
        now = int(self._clock() * 1000)
        if now != self._millisecond or self._counter >= LAST:
            self._begin(now)
        self._counter = counter = self._counter + 1
        return TimedId(self._stem + PAIRS[counter >> 10] + PAIRS[counter & 1023], self._timestamp)

    def _begin(self, millisecond: int) -> None:
        self._millisecond = millisecond
        self._timestamp = format_time(millisecond / 1000)
        noise = secrets.randbits(5 * (RANDOM_CHARACTERS - COUNTED_CHARACTERS))
        self._stem = _text(millisecond, TIME_CHARACTERS) + _text(noise, RANDOM_CHARACTERS - COUNTED_CHARACTERS)
        self._counter = secrets.randbelow(LAST // 2)


def creation_time(id_: str) -> float:
    """The creation time of an id, in Unix seconds."""
    return (
        sum(ALPHABET.index(letter) << 5 * place for place, letter in enumerate(reversed(id_[:TIME_CHARACTERS]))) / 1000
    )


def _text(number: int, characters: int) -> str:
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(characters)))
