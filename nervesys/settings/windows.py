"""Maintenance windows: times in which the receiver does not restart an agent."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self, get_args

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from nervesys.contract.validation import text_form

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
DAYS: tuple[Day, ...] = get_args(Day)
WEEK_MINUTES = 7 * 24 * 60


class _Window(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SingleWindow(_Window):
    """One window.

    Attributes:
        begins: `from` in the file; RFC 3339 with an offset, such as `2027-01-15T22:00:00Z`.
        ends: `until` in the file; the first instant after the window.
        reason: for people.
    """

    begins: AwareDatetime = Field(alias="from")
    ends: AwareDatetime = Field(alias="until")
    reason: str = ""

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.ends <= self.begins:
            raise ValueError("ends before it begins: `until` must lie after `from`")
        return self

    def until(self, instant: datetime) -> datetime | None:
        """The end of the window if it contains an instant; else None."""
        return self.ends.astimezone(UTC) if self.begins <= instant < self.ends else None


def _days(value: object) -> object:
    if value == "day":
        return DAYS
    return [value] if isinstance(value, str) else value


def _time(value: object) -> object:
    """YAML 1.1 reads `23:30` without quotes as a number of base 60."""
    return f"{value // 60:02}:{value % 60:02}" if isinstance(value, int) else value


class WeeklyWindow(_Window):
    """A window that repeats each week or each day.

    Attributes:
        every: `day`, a day of the week such as `saturday`, or a list of them.
        at: start, as `HH:MM` in UTC.
        minutes: length.
        reason: for people.
    """

    every: Annotated[tuple[Day, ...], BeforeValidator(_days), Field(min_length=1)]
    at: Annotated[
        str, BeforeValidator(_time), text_form("([01][0-9]|2[0-3]):[0-5][0-9]", "must be HH:MM, such as 23:30")
    ]
    minutes: int = Field(gt=0, le=WEEK_MINUTES)
    reason: str = ""

    def until(self, instant: datetime) -> datetime | None:
        """The end of the occurrence that contains an instant, in UTC; None if none does."""
        hour, minute = map(int, self.at.split(":"))
        lasts = timedelta(minutes=self.minutes)
        for days in range(lasts.days + 2):
            begins = (instant - timedelta(days=days)).replace(hour=hour, minute=minute, second=0, microsecond=0)
            if DAYS[begins.weekday()] in self.every and begins <= instant < begins + lasts:
                return begins + lasts
        return None


def _kind(value: object) -> str:
    """The kind of window that is meant, so that only the mistakes of this kind are reported."""
    return "weekly" if isinstance(value, dict) and "every" in value else "once"


Maintenance = Annotated[
    Annotated[SingleWindow, Tag("once")] | Annotated[WeeklyWindow, Tag("weekly")], Discriminator(_kind)
]
"""A window of either kind."""
