"""Warning and critical thresholds: config/thresholds.yaml."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from nervesys.settings.section import SettingsSection

UNIT_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
"""Seconds of a setting's unit, which is the last word of its name."""
LONGEST_DAYS = 3650
"""More is a digit or a unit too many; Prometheus accepts no duration of 300 years."""
Seconds = Annotated[float, Field(gt=0, le=LONGEST_DAYS * 86_400)]
Minutes = Annotated[float, Field(gt=0, le=LONGEST_DAYS * 1440)]
Hours = Annotated[float, Field(gt=0, le=LONGEST_DAYS * 24)]
Days = Annotated[float, Field(gt=0, le=LONGEST_DAYS)]


class HeartbeatThresholds(SettingsSection):
    """The heartbeat of agents.

    Attributes:
        interval_seconds: how often an agent writes its state.
        down_after_seconds: an agent without a heartbeat for this long is down.
        stopped_after_seconds: a configured agent that is `stopped` for this long is a warning.
        future_seconds: a heartbeat this far ahead of the store's clock is rejected.
    """

    interval_seconds: Seconds
    down_after_seconds: Seconds
    stopped_after_seconds: Seconds
    future_seconds: Seconds

    @property
    def stale_after_seconds(self) -> float:
        """Age at which an agent's last gauges, status and buffer size are dropped from the metrics."""
        return max(5 * self.interval_seconds, self.down_after_seconds)

    @property
    def grace_seconds(self) -> float:
        """How long the exporter must have read the store without a break before an agent may count as down.

        Two heartbeats, plus the longest back-off of an agent that could not write its state: one more.
        """
        return 3 * self.interval_seconds


class PercentThresholds(SettingsSection):
    """A warning and a critical threshold in percent.

    Attributes:
        over_minutes: the value must be above the threshold for this whole window.
    """

    warning: float = Field(ge=0, le=100)
    critical: float = Field(ge=0, le=100)
    over_minutes: Minutes

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.warning >= self.critical:
            raise ValueError(f"warning ({self.warning:g}) must lie below critical ({self.critical:g})")
        return self


class ProgressThresholds(SettingsSection):
    """When an agent that is alive gets nowhere.

    Attributes:
        stuck_after_seconds: a task that runs 4 times as long as usual is not stuck before this.
        none_after_seconds: a task that runs, and neither steps, tokens nor log records come for this long.
        repeats: the same action with the same details so many times in a row, while tokens are used.
        success_percent: a lower share of successful tasks is a warning.
        success_of_tasks: fewest ended tasks that the share is judged by.
        success_minutes: window in which tasks are counted.
        queue_tasks: fewest waiting tasks of a queue that is called growing.
        queue_minutes: window in which it grows.
    """

    stuck_after_seconds: Seconds
    none_after_seconds: Seconds
    repeats: int = Field(gt=1)
    success_percent: float = Field(ge=0, le=100)
    success_of_tasks: int = Field(gt=0)
    success_minutes: Minutes
    queue_tasks: int = Field(gt=0)
    queue_minutes: Minutes


class CallThresholds(SettingsSection):
    """When calls of a model or a tool fail.

    Attributes:
        failed_percent: a higher share of failed calls is an alert.
        of_calls: fewest failed calls that the share is judged by.
        over_minutes: window in which calls are counted.
    """

    failed_percent: float = Field(ge=0, le=100)
    of_calls: int = Field(gt=0)
    over_minutes: Minutes


class AgeThresholds(SettingsSection):
    """A warning and a critical age, in days."""

    warning_days: Days
    critical_days: Days

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.warning_days >= self.critical_days:
            raise ValueError(
                f"warning_days ({self.warning_days:g}) must lie below critical_days ({self.critical_days:g})"
            )
        return self


class Thresholds(SettingsSection):
    """config/thresholds.yaml, whole; percentages are 0 to 100.

    Attributes:
        progress: of an agent's tasks.
        calls: of models and tools.
        clock_skew_seconds: between the clocks of an agent and the store.
        store_clock_offset_seconds: between the clocks of the store and the exporter; beyond it no agent counts as down.
        logs_late_seconds: since the last log object of a live agent.
        vitality_silent_seconds: since the last vital signs of an entity.
        secrets: age of secrets, since their last rotation.
        drill_late_days: since the last restore drill.
        drill_slow_minutes: duration of a restore drill.
        backup_late_hours: since the newest backup.
        rate_limit_percent: remaining share of GitHub's quota.
        series: number of series of one exporter.
    """

    heartbeat: HeartbeatThresholds
    cpu: PercentThresholds
    memory: PercentThresholds
    disk: PercentThresholds
    buffer: PercentThresholds
    progress: ProgressThresholds
    calls: CallThresholds
    clock_skew_seconds: Seconds
    store_clock_offset_seconds: Seconds
    logs_late_seconds: Seconds
    vitality_silent_seconds: Seconds
    secrets: AgeThresholds
    drill_late_days: Days
    drill_slow_minutes: Minutes
    backup_late_hours: Hours
    rate_limit_percent: float = Field(ge=0, le=100)
    series: int = Field(gt=0)

    def keys_of(self, seconds: float) -> str:
        """The thresholds that are a duration, such as `heartbeat.down_after_seconds`, for messages; empty if none is.

        Args:
            seconds: the duration.
        """
        return " or ".join(
            key
            for key, value in _flatten(self.model_dump())
            if value * UNIT_SECONDS.get(key.rpartition("_")[2], 0) == seconds
        )


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
