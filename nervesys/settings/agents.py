"""The settings of one agent: config/agents/{name}.yaml, merged over config/agents/default.yaml.

Unknown keys are kept and reported as warnings, because existing brains have keys of their own.
"""

import logging
import re
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from nervesys.contract.objects import AgentName, ServerName
from nervesys.settings.thresholds import Minutes, PercentThresholds, Seconds, Thresholds
from nervesys.settings.windows import Maintenance


def _level(value: object) -> str:
    name = str(value).upper()
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


class _ExtensibleSection(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)


class BootstrapSettings(_ExtensibleSection):
    """How the agent reads the brain.

    Attributes:
        refresh_minutes: how often to check for a new configuration; a running agent applies what it can.
    """

    refresh_minutes: float = Field(default=10, gt=0)


class BufferSettings(_ExtensibleSection):
    """The agent's local buffer.

    Attributes:
        path: of its file, relative to the agent's folder; the agent's name is added to the file name.
        max_size_mb: largest size, in megabytes; beyond it the least important records are dropped and counted.
        flush_interval_minutes: how often logs are shipped.
        flush_on_size_mb: ship earlier once this much is buffered; also the largest uncompressed size of a log object.
        compression: of log objects; `gzip` or `zstd`.
        compression_level: default gzip 5, zstd 9.
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


class RedactionSettings(_ExtensibleSection):
    """What is masked in addition to the built-in rules (see docs/how-to/write-an-agent.md).

    Attributes:
        names: keys whose values are masked, at any depth; case and separators are ignored.
        patterns: regular expressions that are masked in any text; each costs time for every record.
    """

    names: tuple[str, ...] = ()
    patterns: tuple[Expression, ...] = ()


class LoggingSettings(_ExtensibleSection):
    """Filters of the agent's logs.

    Attributes:
        level: the lowest level that is shipped.
        redact: what is masked before a record leaves the process.
    """

    level: LogLevel = "INFO"
    redact: RedactionSettings = Field(default_factory=RedactionSettings)


class UsageSource(StrEnum):
    """Whose tokens count for cost, where both the log and the spans of an agent have some.

    Attributes:
        AUTO: those of the spans, from the first span that has any; before it, those of the log.
        LOGS: those of the log.
        BOTH: all, because they are of different calls.
    """

    AUTO = "auto"
    LOGS = "logs"
    BOTH = "both"


class TelemetrySettings(_ExtensibleSection):
    """OpenTelemetry of the agent's program.

    Attributes:
        enabled: whether `agent run --exec` listens for it; default: if the extra `otel` is installed.
        content: whether contents of messages are stored: prompts, answers, arguments and results of tools.
        max_size_mb: largest size on the disk, in megabytes; beyond it requests are refused until some are shipped.
        usage: whose tokens count for cost: `auto`, `logs` or `both`.
    """

    enabled: bool | None = None
    content: bool = False
    usage: UsageSource = UsageSource.AUTO
    max_size_mb: float = Field(default=100, gt=0)


class MetricsSettings(_ExtensibleSection):
    """The history of server metrics in the store; the newest values are also part of the state object.

    Attributes:
        interval_seconds: how often an object of the area `metrics` is written.
    """

    interval_seconds: float = Field(default=60, gt=0)


class StatusReportSettings(_ExtensibleSection):
    """Pushes of status and errors to the brain's state branch, when something changed.

    Attributes:
        interval_minutes: shortest time between two pushes; GitHub accepts about 80 writes a minute for a whole fleet.
    """

    interval_minutes: float = Field(default=60, gt=0)


class DatabasesSettings(_ExtensibleSection):
    """The agent's own SQLite files.

    Attributes:
        copy_minutes: how often changed databases are copied to the store.
        keep: number of copies of each database in the store.
    """

    copy_minutes: float = Field(default=10, gt=0)
    keep: int = Field(default=3, ge=1)


class HealthSettings(_ExtensibleSection):
    """Whether and how often the receiver may restart the agent.

    Attributes:
        self_check_interval_seconds: known from existing brains; no program here uses it.
        max_restart_attempts: driver calls in one hour.
    """

    self_check_interval_seconds: float = Field(default=60, gt=0)
    restart_on_failure: bool = True
    max_restart_attempts: int = Field(default=3, ge=0)


class RestartSettings(_ExtensibleSection):
    """How the agent is restarted: the driver, as named in the receiver's local file, and the agent's name for it."""

    driver: str = "supervisor"
    target: str = "{agent}"


class HeartbeatOverrides(_ExtensibleSection):
    """Overrides of `nervesys.settings.thresholds.HeartbeatThresholds`; None keeps the common value."""

    down_after_seconds: Seconds | None = None
    stopped_after_seconds: Seconds | None = None


class ProgressOverrides(_ExtensibleSection):
    """Overrides of `nervesys.settings.thresholds.ProgressThresholds`; None keeps the common value.

    Attributes:
        task_limit_seconds: after which a task of this agent counts as stuck, where it has no limit of its own; None
            goes by how long its tasks usually take.
    """

    task_limit_seconds: Seconds | None = None
    stuck_after_seconds: Seconds | None = None
    none_after_seconds: Seconds | None = None
    repeats: int | None = Field(default=None, gt=1)
    success_percent: float | None = Field(default=None, ge=0, le=100)
    success_of_tasks: int | None = Field(default=None, gt=0)
    success_minutes: Minutes | None = None
    queue_tasks: int | None = Field(default=None, gt=0)
    queue_minutes: Minutes | None = None


class ThresholdOverrides(_ExtensibleSection):
    """This agent's overrides of config/thresholds.yaml; None keeps the common value."""

    heartbeat: HeartbeatOverrides = Field(default_factory=HeartbeatOverrides)
    progress: ProgressOverrides = Field(default_factory=ProgressOverrides)
    buffer: PercentThresholds | None = None
    clock_skew_seconds: Seconds | None = None
    logs_late_seconds: Seconds | None = None

    def over(self, common: Thresholds) -> Thresholds:
        """The common thresholds, with this agent's overrides applied."""
        heartbeat = _set_fields(self.heartbeat, HeartbeatOverrides)
        progress = _set_fields(self.progress, ProgressOverrides)
        progress.pop("task_limit_seconds", None)  # for the agent alone
        own = {
            **_set_fields(self, ThresholdOverrides),
            "heartbeat": common.heartbeat.model_copy(update=heartbeat),
            "progress": common.progress.model_copy(update=progress),
        }
        return common.model_copy(update=own)


def _set_fields(own: BaseModel, model: type[BaseModel]) -> dict[str, Any]:
    """The fields that are set."""
    return {key: value for key in model.model_fields if (value := getattr(own, key)) is not None}


class AgentConfig(_ExtensibleSection):
    """One agent's settings, defaults merged in.

    Attributes:
        enabled: False removes it from the fleet without deleting its file.
        maintenance: windows in which the receiver does not restart it: `{from, until, reason}` once, or
            `{every, at, minutes, reason}` each week or day.
        server: server that it runs on; if set, what it reports about another server is rejected, and its driver
            restarts it on this server only.
        project: project of its workspace, if its program names none.
        workload: what `nervesys agent run` does by itself: `none`, or `demo` for simulated work.
    """

    name: AgentName
    role: str = "agent"
    model: str = ""
    enabled: bool = True
    server: ServerName | None = None
    project: str | None = None
    workload: Literal["none", "demo"] = "none"
    bootstrap: BootstrapSettings = Field(default_factory=BootstrapSettings)
    buffer: BufferSettings = Field(default_factory=BufferSettings)
    logging: LoggingSettings = Field(default_factory=LoggingSettings)
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings)
    metrics: MetricsSettings = Field(default_factory=MetricsSettings)
    report: StatusReportSettings = Field(default_factory=StatusReportSettings)
    databases: DatabasesSettings = Field(default_factory=DatabasesSettings)
    health: HealthSettings = Field(default_factory=HealthSettings)
    resources: dict[str, Any] = Field(default_factory=dict)
    restart: RestartSettings = Field(default_factory=RestartSettings)
    thresholds: ThresholdOverrides = Field(default_factory=ThresholdOverrides)
    maintenance: tuple[Maintenance, ...] = ()
