"""What a request asks a live page for: time range, variables, refresh interval; and for whom it is drawn."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from starlette.requests import Request

from nervesys.contract.times import seconds_of
from nervesys.queries.dashboard_queries import Json
from nervesys.queries.variables import LAST_INSTANT, instant_of
from reports.draw import WIDTH
from reports.html import Canvas

RANGES = (
    ("now-15m", "last 15 minutes"),
    ("now-1h", "last hour"),
    ("now-3h", "last 3 hours"),
    ("now-6h", "last 6 hours"),
    ("now-24h", "last 24 hours"),
    ("now-7d", "last 7 days"),
    ("now-30d", "last 30 days"),
    ("now-90d", "last 90 days"),
)
OFF = "off"
INTERVALS = (OFF, "5s", "30s", "1m", "5m")
"""Refresh intervals to choose from, beside the dashboard's own."""
LEAST_WIDTH, MOST_WIDTH = 280, 4000
"""Accepted range of a page's width, in pixels."""
VARIABLE = "var-"
BOTH = ".."
"""Between start and end of a time range that is chosen as one value."""
NOW = "now"


@dataclass(frozen=True)
class View:
    """The parameters of a request.

    Attributes:
        since: start of the time range as requested: `now-6h`, milliseconds since 1970, or a date and time.
        until: its end.
        start: of the time range, in Unix seconds.
        end: of the time range, in Unix seconds.
        wanted: values of variables.
        refresh: refresh interval, such as `30s`; `off` for none.
        own_refresh: that of the dashboard.
        canvas: for whom the page is drawn.
    """

    since: str
    until: str
    start: float
    end: float
    wanted: Mapping[str, str]
    refresh: str
    own_refresh: str
    canvas: Canvas

    @classmethod
    def of(cls, request: Request, page: Json, now: float) -> "View":
        """From the query string, and the cookies of the page's script; the default is the dashboard's time range.

        Raises:
            ValueError: a parameter is wrong.
        """
        given = {name: value for name, value in request.query_params.items() if value}
        if BOTH in given.get("from", ""):
            given["from"], _, given["to"] = given["from"].partition(BOTH)
        parameters = {**page["time"], "refresh": page["refresh"], **given}
        wanted = {name.removeprefix(VARIABLE): value for name, value in parameters.items() if name.startswith(VARIABLE)}
        canvas = Canvas(_width(request.cookies), zone_of(request.cookies), with_svg="width" not in request.cookies)
        since, until, refresh = parameters["from"], parameters["to"], parameters["refresh"]
        start, end = (_instant(text, now, canvas.zone) for text in (since, until))
        if start >= end:
            raise ValueError("the time range ends before it begins")
        if refresh != OFF:
            seconds_of(refresh)
        return cls(since, until, start, end, wanted, refresh, page["refresh"], canvas)

    @property
    def is_relative(self) -> bool:
        """Whether the range ends now, and moves with the time."""
        return self.until == NOW and self.since.startswith(NOW)

    @property
    def range_parameters(self) -> Mapping[str, str]:
        """The time range as parameters of a link, the same for readers in any time zone."""
        if self.is_relative:
            return {"from": self.since, "to": self.until}
        return {"from": f"{self.start * 1000:.0f}", "to": f"{self.end * 1000:.0f}"}

    @property
    def range_query(self) -> str:
        """The time range as a query string, for links."""
        return urlencode(self.range_parameters)

    @property
    def range(self) -> str:
        """The time range as one value."""
        return self.since if self.is_relative else BOTH.join(self.range_parameters.values())

    @property
    def ranges(self) -> Sequence[tuple[str, str]]:
        """(value, label) of the time ranges to choose from; that of the request first, if it is none of the others."""
        if any(self.range == value for value, _ in RANGES):
            return RANGES
        if self.is_relative:
            return ((self.range, f"last {self.since.removeprefix('now-')}"), *RANGES)
        return ((self.range, range_label(self.start, self.end, self.canvas.zone)), *RANGES)

    @property
    def bounds(self) -> tuple[str, str]:
        """Start and end of the range on the reader's clock, as `datetime-local` inputs take them."""
        start, end = (datetime.fromtimestamp(at, self.canvas.zone) for at in (self.start, self.end))
        return f"{start:%Y-%m-%dT%H:%M:%S}", f"{end:%Y-%m-%dT%H:%M:%S}"

    @property
    def refresh_parameter(self) -> Mapping[str, str]:
        """The refresh interval as a parameter of a link; none for the dashboard's own."""
        return {} if self.refresh == self.own_refresh else {"refresh": self.refresh}

    @property
    def refresh_seconds(self) -> float:
        """The refresh interval; 0 for none, as for a range that does not move."""
        return 0 if self.refresh == OFF or not self.is_relative else seconds_of(self.refresh)


def range_label(start: float, end: float, zone: tzinfo) -> str:
    """A time range on the reader's clock, in words."""
    first, last = (datetime.fromtimestamp(at, zone) for at in (start, end))
    same_day = first.date() == last.date()
    return f"{first:%b %d, %H:%M:%S} to {last:{'%H:%M:%S' if same_day else '%b %d, %H:%M:%S'}}"


def _instant(text: str, now: float, zone: tzinfo) -> float:
    """Unix seconds of a time as Grafana or a browser's `datetime-local` writes it."""
    if not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T", text, re.ASCII):
        return instant_of(text, now)
    try:
        read = datetime.fromisoformat(text)
        instant = (read if read.tzinfo else read.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"{text}: not a time such as 2026-01-31T12:00") from None
    if not 0 <= instant <= LAST_INSTANT:
        raise ValueError(f"{text}: not within the years 1970 to 9999")
    return instant


def _width(cookies: Mapping[str, str]) -> float:
    width = cookies.get("width", "")
    return min(MOST_WIDTH, max(LEAST_WIDTH, int(width))) if re.fullmatch(r"[0-9]{1,6}", width) else WIDTH


def zone_of(cookies: Mapping[str, str]) -> tzinfo:
    """The reader's time zone, by the cookie of the page's script; this machine's if there is none."""
    try:
        return ZoneInfo(cookies["zone"].replace("%2F", "/"))
    except (KeyError, ValueError, OSError, ZoneInfoNotFoundError):  # OSError: a folder, or a name too long
        here = datetime.fromtimestamp(0).astimezone().tzinfo
        assert here is not None, "an aware time has one"
        return here
