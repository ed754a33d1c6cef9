"""The tree of exceptions.

    NervesysError
    ├── SettingsError         configuration that is present and wrong; carries all mistakes found; exit code 2
    ├── SourceError           a source could not be read or written; the last snapshot is still served
    │   ├── StoreUnavailable      the S3-compatible store
    │   │   └── ObjectRefused         it refuses one request for one object
    │   ├── ArchiveUnavailable    the archive
    │   │   └── ArchiveFull           it has no room for more
    │   ├── BrainUnavailable      the Git repository
    │   └── QuotaLow              an API quota is below the floor that the settings keep free
    ├── DatabaseUnavailable   a database could not be opened, read or written; the operation may not have happened
    └── BadObject             one object violates the contract; counted by `Reason`, logged once, skipped

Messages have the form "verb thing: cause", such as "list db/agents/: timed out after 10 s". They never hold a secret.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum


class NervesysError(Exception):
    """Base of every error that this project raises on purpose."""


@dataclass(frozen=True, slots=True)
class SettingsProblem:
    """One wrong value in the configuration.

    Attributes:
        where: file and line, environment variable or flag, such as `config/storage.yaml:12`.
        key: dotted key within it, such as `storj.paths.agents`; empty if the whole file is meant.
        problem: what is wrong and how to fix it.
    """

    where: str
    key: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.key}: {self.problem}" if self.key else f"{self.where}: {self.problem}"


class SettingsError(NervesysError):
    """Configuration is present and wrong; all mistakes are reported at once."""

    def __init__(self, mistakes: Sequence[SettingsProblem]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(map(str, mistakes)))


@contextmanager
def collect_problems(mistakes: list[SettingsProblem]) -> Iterator[None]:
    """Collect the mistakes that a block raises in a list, to report them together with others."""
    try:
        yield
    except SettingsError as err:
        mistakes += err.mistakes


class SourceError(NervesysError):
    """A source could not be read or written."""


class StoreUnavailable(SourceError):
    """The S3-compatible store did not respond, or with an error.

    Attributes:
        clock: the store's clock, if it responded; a store refuses requests of clients whose clock is far off.
    """

    def __init__(self, problem: str, clock: float | None = None) -> None:
        super().__init__(problem)
        self.clock = clock


class ObjectRefused(StoreUnavailable):
    """The store refused to return an object; the cause may be this object, or a missing right for all of them."""


class ArchiveUnavailable(SourceError):
    """The archive did not respond, or with an error."""


class ArchiveFull(ArchiveUnavailable):
    """The archive is full; it can still be read."""


class BrainUnavailable(SourceError):
    """The brain's repository could not be fetched, read or pushed to."""


class QuotaLow(SourceError):
    """The remaining rate limit has reached the reserve that the settings keep free."""


class DatabaseUnavailable(NervesysError):
    """A database could not be opened, read or written."""


class Reason(StrEnum):
    """Why an object was rejected. A label value, so the list is closed."""

    BAD_AGE = "bad_age"
    BAD_GZIP = "bad_gzip"
    BAD_JSON = "bad_json"
    BAD_KEY = "bad_key"
    BAD_NAME = "bad_name"
    BAD_VALUE = "bad_value"
    BAD_ZSTD = "bad_zstd"
    COSTLY = "costly"
    DUPLICATE_SERIES = "duplicate_series"
    FUTURE = "future"
    GONE = "gone"
    LABEL_LIMIT = "label_limit"
    NO_IDENTITY = "no_identity"
    TOO_LARGE = "too_large"
    UNKNOWN_AGENT = "unknown_agent"
    UNREADABLE = "unreadable"
    WRONG_OWNER = "wrong_owner"


class BadObject(NervesysError):
    """One object violates the contract.

    Attributes:
        reason: label value under which it is counted.
        detail: what exactly is wrong.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}")
