"""From which value on something is a warning or critical: config/thresholds.yaml."""

from typing import Self

from pydantic import Field, model_validator

from nervesys.settings.section import Section


class Heartbeat(Section):
    """How often agents speak, and when silence means trouble.

    Attributes:
        interval_seconds: between two writes of an agent's state.
        down_after_seconds: of silence, after which an agent is called down.
        stopped_after_seconds: a configured agent that was stopped on purpose for this long is a warning.
        future_seconds: a heartbeat further ahead of the store's clock than this is rejected.
    """

    interval_seconds: float = Field(gt=0)
    down_after_seconds: float = Field(gt=0)
    stopped_after_seconds: float = Field(gt=0)
    future_seconds: float = Field(gt=0)

    @property
    def stale_after_seconds(self) -> float:
        """Age at which an agent's last words (gauges, status, buffer) leave the metrics."""
        return max(5 * self.interval_seconds, self.down_after_seconds)

    @property
    def grace_seconds(self) -> float:
        """For how long the store must be readable without a break before silence counts against an agent.

        Two heartbeats, and the longest that an agent backs off before it writes its state again: one more.
        """
        return 3 * self.interval_seconds


class Pair(Section):
    """A warning and a critical value in percent, and for how long either must last.

    Attributes:
        over_minutes: the value must lie above the threshold all through this window.
    """

    warning: float = Field(ge=0, le=100)
    critical: float = Field(ge=0, le=100)
    over_minutes: float = Field(gt=0)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.warning >= self.critical:
            raise ValueError(f"warning ({self.warning:g}) must lie below critical ({self.critical:g})")
        return self


class Ages(Section):
    """From which age on something is a warning or critical, in days."""

    warning_days: float = Field(gt=0)
    critical_days: float = Field(gt=0)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.warning_days >= self.critical_days:
            raise ValueError(
                f"warning_days ({self.warning_days:g}) must lie below critical_days ({self.critical_days:g})"
            )
        return self


class Thresholds(Section):
    """config/thresholds.yaml, whole; percentages are 0 to 100.

    Attributes:
        clock_skew_seconds: agent clock against store clock.
        store_clock_offset_seconds: store clock against the exporter's; beyond it no agent is called down.
        logs_late_seconds: without a new log object of a live agent.
        vitality_silent_seconds: without vital signs of an entity that showed some.
        secrets: since each was replaced.
        drill_late_days: since the last restore drill.
        drill_slow_minutes: that a restore drill may take.
        backup_late_hours: since the newest backup.
        rate_limit_percent: of GitHub's quota still left.
        series: that one exporter may expose before it is a warning.
    """

    heartbeat: Heartbeat
    cpu: Pair
    memory: Pair
    disk: Pair
    buffer: Pair
    clock_skew_seconds: float = Field(gt=0)
    store_clock_offset_seconds: float = Field(gt=0)
    logs_late_seconds: float = Field(gt=0)
    vitality_silent_seconds: float = Field(gt=0)
    secrets: Ages
    drill_late_days: float = Field(gt=0)
    drill_slow_minutes: float = Field(gt=0)
    backup_late_hours: float = Field(gt=0)
    rate_limit_percent: float = Field(ge=0, le=100)
    series: int = Field(gt=0)
