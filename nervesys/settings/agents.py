"""Who an agent is and how it behaves: config/agents/{name}.yaml over config/agents/default.yaml.

Real brains carry keys of their own beside these; they are kept, and named as warnings.
"""

import logging
import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from nervesys.contract.state import AgentName
from nervesys.settings.thresholds import Pair, Thresholds
from nervesys.settings.windows import Maintenance


def _level(said: object) -> str:
    name = str(said).upper()
    if not logging.getLevelNamesMapping().get(name):
        raise ValueError("use DEBUG, INFO, WARNING or ERROR")
    return name


LogLevel = Annotated[str, BeforeValidator(_level)]
"""A level of the logging module, in capitals."""


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as err:
        raise ValueError(f"is no regular expression: {err}") from err
    return text


Expression = Annotated[str, AfterValidator(_expression)]
GZIP_BEST = 9


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class Bootstrap(_Open):
    """How the agent reads the brain.

    Attributes:
        refresh_minutes: between two looks whether the configuration changed; what can change in a running agent does.
    """

    refresh_minutes: float = Field(default=10, gt=0)


class Buffer(_Open):
    """The agent's local buffer.

    Attributes:
        path: of its file, from the agent's own folder; the agent's name is added to the file's.
        max_size_mb: cap, in megabytes; beyond it the least important records are dropped and counted.
        flush_interval_minutes: between two shipments.
        flush_on_size_mb: ships earlier once this much waits; no object holds more, unpacked.
        compression: of what is shipped; `gzip` or `zstd`.
        compression_level: of that; one that suits logs where it is not given (gzip 6, zstd 9).
    """

    type: Literal["sqlite"] = "sqlite"
    path: str | None = None
    max_size_mb: float = Field(default=100, gt=0)
    flush_interval_minutes: float = Field(default=10, gt=0)
    flush_on_size_mb: float = Field(default=10, gt=0)
    compression: Literal["gzip", "zstd"] = "gzip"
    compression_level: int | None = Field(default=None, ge=1, le=19)

    @model_validator(mode="after")
    def _level_exists(self) -> Self:
        if self.compression == "gzip" and (self.compression_level or 0) > GZIP_BEST:
            raise ValueError(f"compression_level: gzip has levels up to {GZIP_BEST}")
        return self


class Redact(_Open):
    """What is secret beside what every agent knows (see docs/how-to/write-an-agent.md).

    Attributes:
        names: of values whose content is masked, at any depth; case and separators do not matter.
        patterns: regular expressions of what is masked in any text; each costs time at every record.
    """

    names: tuple[str, ...] = ()
    patterns: tuple[Expression, ...] = ()


class Logging(_Open):
    """What the agent's own logger lets through.

    Attributes:
        level: the least severe that is shipped.
        redact: what is masked before a record leaves the process.
    """

    level: LogLevel = "INFO"
    redact: Redact = Field(default_factory=Redact)


class Metrics(_Open):
    """The history of server metrics in the store; the newest ride in the state object anyway.

    Attributes:
        interval_seconds: between two objects of area `metrics`.
    """

    interval_seconds: float = Field(default=60, gt=0)


class Report(_Open):
    """Status and errors pushed to the brain's state branch, when something changed.

    Attributes:
        interval_minutes: between two pushes, at least; a Git host takes about 80 writes a minute from a whole fleet.
    """

    interval_minutes: float = Field(default=60, gt=0)


class Databases(_Open):
    """The agent's own SQLite files.

    Attributes:
        copy_minutes: between two looks whether one changed and is to be copied to the store.
        keep: copies of each in the store.
    """

    copy_minutes: float = Field(default=10, gt=0)
    keep: int = Field(default=3, ge=1)


class Health(_Open):
    """Whether and how often the receiver may restart the agent.

    Attributes:
        max_restart_attempts: driver calls in one hour.
    """

    self_check_interval_seconds: float = Field(default=60, gt=0)
    restart_on_failure: bool = True
    max_restart_attempts: int = Field(default=3, ge=0)


class Restart(_Open):
    """How the agent is restarted: which driver of the receiver's local file, and what it is called there."""

    driver: str = "supervisor"
    target: str = "{agent}"


class OwnHeartbeat(_Open):
    """See `nervesys.settings.thresholds.Heartbeat`; None for what all agents have."""

    down_after_seconds: float | None = Field(default=None, gt=0)
    stopped_after_seconds: float | None = Field(default=None, gt=0)


class OwnThresholds(_Open):
    """What of config/thresholds.yaml is another value for this agent; None for what all agents have."""

    heartbeat: OwnHeartbeat = Field(default_factory=OwnHeartbeat)
    buffer: Pair | None = None
    clock_skew_seconds: float | None = Field(default=None, gt=0)
    logs_late_seconds: float | None = Field(default=None, gt=0)

    def over(self, common: Thresholds) -> Thresholds:
        """The thresholds of all agents, with this one's own laid over them."""
        heartbeat = _said(self.heartbeat, OwnHeartbeat)
        own = {**_said(self, OwnThresholds), "heartbeat": common.heartbeat.model_copy(update=heartbeat)}
        return common.model_copy(update=own)


def _said(own: BaseModel, model: type[BaseModel]) -> dict[str, Any]:
    """The fields of a model that are given."""
    return {key: value for key in model.model_fields if (value := getattr(own, key)) is not None}


class AgentConfig(_Open):
    """One agent's settings, defaults merged in.

    Attributes:
        enabled: False takes it out of the fleet without deleting its file.
        maintenance: windows in which nobody expects it to run: `{from, until, reason}`, or again and again
            `{every, at, minutes, reason}`.
        project: whose workspace it works in, where its program names none.
        workload: what `nervesys agent run` does by itself: nothing, or made-up work to look at.
    """

    name: AgentName
    role: str = "agent"
    model: str = ""
    enabled: bool = True
    project: str | None = None
    workload: Literal["none", "demo"] = "none"
    bootstrap: Bootstrap = Field(default_factory=Bootstrap)
    buffer: Buffer = Field(default_factory=Buffer)
    logging: Logging = Field(default_factory=Logging)
    metrics: Metrics = Field(default_factory=Metrics)
    report: Report = Field(default_factory=Report)
    databases: Databases = Field(default_factory=Databases)
    health: Health = Field(default_factory=Health)
    resources: dict[str, Any] = Field(default_factory=dict)
    restart: Restart = Field(default_factory=Restart)
    thresholds: OwnThresholds = Field(default_factory=OwnThresholds)
    maintenance: tuple[Maintenance, ...] = ()
