"""Splits LogQL into tokens."""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from nervesys.contract.times import DAY_SECONDS

DURATION_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1,
    "m": 60,
    "h": 3600,
    "d": DAY_SECONDS,
    "w": 7 * DAY_SECONDS,
    "y": 365 * DAY_SECONDS,
}
"""Seconds (prometheus.io/docs, Time Durations)."""
QUERY_CHARACTERS = 5000
_UNIT = "ns|us|µs|ms|s|m|h|d|w|y"
_TOKEN = re.compile(
    rf"""
    (?P<space>\s+|\#[^\n]*)
  | (?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)
  | (?P<duration>(?:\d+(?:\.\d+)?(?:{_UNIT}))+(?![A-Za-z0-9_]))
  | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![A-Za-z0-9_]))
  | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<sign>\|=|\|~|!=|!~|=~|==|>=|<=|[-+*/%^|=<>{{}}()\[\],])
    """,
    re.VERBOSE,
)
_PART = re.compile(rf"(\d+(?:\.\d+)?)({_UNIT})")


class LogqlError(ValueError):
    """A query that is wrong, or uses what is not supported; the message names the word and its place."""


class Token(NamedTuple):
    """A token.

    Attributes:
        kind: `string`, `duration`, `number`, `word`, `sign` or `end`.
        text: as written.
        at: index of its first character.
    """

    kind: str
    text: str
    at: int

    @property
    def string(self) -> str:
        """The value of a string.

        Raises:
            LogqlError: it has an invalid escape.
        """
        if self.text.startswith("`"):
            return self.text[1:-1]
        try:
            text = str(json.loads(re.sub(r"\\([.'*+?()\[\]{}|^$dwsbDWSB-])", r"\\\\\1", self.text), strict=False))
            text.encode()  # `\ud800` is half a character, which no record and no response can hold
        except ValueError:
            raise LogqlError(f"at character {self.at + 1}: {self.text}: invalid escape") from None
        return text

    @property
    def seconds(self) -> float:
        """The value of a duration, in seconds."""
        return parse_duration(self.text)


def tokens(query: str) -> Iterator[Token]:
    """The tokens of a query, and one of kind `end`.

    Raises:
        LogqlError: a character starts no token, or the query is too long.
    """
    if len(query) > QUERY_CHARACTERS:
        raise LogqlError(f"the query has more than {QUERY_CHARACTERS} characters")
    at = 0
    while at < len(query):
        match = _TOKEN.match(query, at)
        if match is None:
            raise LogqlError(f"at character {at + 1}: {query[at : at + 20]!r}: not understood")
        if match.lastgroup != "space":
            yield Token(str(match.lastgroup), match[0], at)
        at = match.end()
    yield Token("end", "", at)


def parse_duration(text: str) -> float:
    """Seconds of a duration such as `1h30m`; of a number without a unit, the number itself.

    Raises:
        ValueError: it is neither.
    """
    if re.fullmatch(rf"(?:\d+(?:\.\d+)?(?:{_UNIT}))+", text):
        return sum(float(number) * DURATION_UNITS[unit] for number, unit in _PART.findall(text))
    return float(text)
