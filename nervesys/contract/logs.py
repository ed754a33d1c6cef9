"""Log records: one JSON object a line, gzipped."""

from enum import StrEnum
from typing import Annotated, Any, NamedTuple

from pydantic import AliasChoices, BeforeValidator, Field

from nervesys.contract.objects import AgentName, ContractObject, Instant


class Level(StrEnum):
    """Severity of a record; `other` stands for any other value."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"
    OTHER = "other"


LEVELS = (Level.DEBUG, Level.INFO, Level.WARN, Level.ERROR)
"""Those of the contract, the least severe first."""
DURATION_BUCKETS = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
"""Upper bounds by which durations of actions are counted, in seconds."""


class Category(StrEnum):
    """What a record is about; retention differs by it. `other` stands for any other value."""

    SYSTEM = "system"
    ACTIVITY = "activity"
    ERRORS = "errors"
    AUDIT = "audit"
    MESSAGE = "message"
    OTHER = "other"


_SYNONYMS = {
    **dict.fromkeys(("TRACE", "7", "10", "20"), "DEBUG"),
    **dict.fromkeys(("NOTICE", "5", "6", "30"), "INFO"),
    **dict.fromkeys(("WARNING", "4", "40"), "WARN"),
    **dict.fromkeys(("CRITICAL", "FATAL", "PANIC", "ALERT", "CRIT", "EMERG", "ERR"), "ERROR"),
    **dict.fromkeys(("0", "1", "2", "3", "50", "60"), "ERROR"),
}
"""By name and number: severities of syslog are 0 to 7 (RFC 5424, 6.2.1), levels of pino and bunyan 10 to 60."""
_LEVELS = {level.value: level for level in Level}
_CATEGORIES = {category.value: category for category in Category}


def level_of(value: object) -> Level:
    """The level for a value that a writer used."""
    number = int(value) if isinstance(value, float) and value.is_integer() else value
    name = str(number).strip().upper()
    return _LEVELS.get(_SYNONYMS.get(name, name), Level.OTHER)


def category_of(value: object) -> Category:
    """The category for a value that a writer used."""
    return _CATEGORIES.get(str(value).lower(), Category.OTHER)


MAX_TOKENS = 1e9
"""Most tokens of one record; more is a mistake, and would spoil the total for good."""
MAX_DURATION_MS = 1e10
"""Longest duration of one record, in milliseconds: almost four months."""


Tokens = Annotated[float, Field(ge=0, le=MAX_TOKENS)] | None
Duration = Annotated[float, Field(ge=0, le=MAX_DURATION_MS)] | None


class LogContext(ContractObject):
    """Where and how long, and the recipient of a message; further keys are kept."""

    repository: str | None = None
    file: str | None = None
    duration_ms: Duration = None
    to: Any = None


class TokenUsage(NamedTuple):
    """Tokens of one call, each counted once.

    Attributes:
        mixed: of which it is not known whether they are input or output.
        input: without those that were read from a cache.
        cached: input that was read from a cache.
    """

    mixed: float = 0.0
    input: float = 0.0
    output: float = 0.0
    cached: float = 0.0


COVERED_TOKENS = "tokens_in_spans"
"""Name in a record's metadata of tokens that spans count, so that here they add neither tokens nor cost."""
UNNAMED_MODEL = "(unnamed)"
"""Model name of tokens whose record names none."""


class LogMetadata(ContractObject):
    """Model and tokens; OpenTelemetry's GenAI names are accepted as synonyms (semantic conventions, gen_ai.*)."""

    model_version: str | None = Field(
        default=None, validation_alias=AliasChoices("model_version", "gen_ai.request.model", "gen_ai.response.model")
    )
    tokens_used: Tokens = None
    input_tokens: Tokens = Field(
        default=None, validation_alias=AliasChoices("input_tokens", "gen_ai.usage.input_tokens")
    )
    output_tokens: Tokens = Field(
        default=None, validation_alias=AliasChoices("output_tokens", "gen_ai.usage.output_tokens")
    )

    cached_tokens: Tokens = Field(
        default=None,
        validation_alias=AliasChoices(
            "cached_tokens", "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens"
        ),
    )

    tokens_in_spans: Tokens = None

    @property
    def model(self) -> str:
        """Whose tokens they are; `UNNAMED_MODEL` where the record names none."""
        return self.model_version or UNNAMED_MODEL

    @property
    def tokens(self) -> float | None:
        """All tokens of the record: `tokens_used`, or input plus output; None where the record has none."""
        if self.tokens_used is not None:
            return self.tokens_used
        parts = [part for part in (self.input_tokens, self.output_tokens) if part is not None]
        return sum(parts) if parts else None

    @property
    def usage(self) -> TokenUsage | None:
        """The tokens by their kind, for prices; None where there are none. What no kind accounts for is mixed."""
        total = self.tokens
        if total is None:
            return None
        known, output = self.input_tokens or 0.0, self.output_tokens or 0.0
        cached = min(
            self.cached_tokens or 0.0, known
        )  # they are part of the input (semantic conventions, gen_ai.usage)
        return TokenUsage(max(total - known - output, 0.0), known - cached, output, cached)


class LogRecord(ContractObject):
    """One line of an agent's log."""

    timestamp: Instant
    agent_id: AgentName
    level: Annotated[Level, BeforeValidator(level_of)] = Level.INFO
    category: Annotated[Category, BeforeValidator(category_of)] = Category.ACTIVITY
    action: str | None = None
    message: str = ""
    context: LogContext = Field(default_factory=LogContext)
    metadata: LogMetadata = Field(default_factory=LogMetadata)
