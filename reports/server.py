"""Serves the dashboards as live pages. Read-only: it runs only the dashboards' own queries, none from a browser."""

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, tzinfo
from types import MappingProxyType
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from nervesys.clients.prometheus import Prometheus
from nervesys.clock import Clock
from nervesys.metrics import Instruments
from nervesys.metrics.pages import HttpProgram
from nervesys.queries.dashboard_queries import Json
from nervesys.queries.query_runner import QueryRunner, VariableChoice
from nervesys.queries.variables import instant_of, seconds_of
from reports import html
from reports.draw import WIDTH, draw
from reports.fields import FormatContext

RANGES = (
    ("now-15m", "last 15 minutes"),
    ("now-1h", "last hour"),
    ("now-3h", "last 3 hours"),
    ("now-6h", "last 6 hours"),
    ("now-24h", "last 24 hours"),
    ("now-7d", "last 7 days"),
    ("now-30d", "last 30 days"),
)
LEAST_WIDTH, MOST_WIDTH = 280, 4000
"""Accepted range of a page's width, in pixels."""
VARIABLE = "var-"
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}


@dataclass(frozen=True)
class View:
    """The parameters of a request.

    Attributes:
        since: start of the time range, such as `now-6h`.
        until: its end.
        wanted: values of variables.
        width: of the page, in pixels.
        zone: time zone of the reader.
    """

    since: str
    until: str
    wanted: Mapping[str, str]
    width: float
    zone: tzinfo

    @classmethod
    def of(cls, request: Request, page: Json) -> "View":
        """From the query string, and the cookies of the page's script; the default is the dashboard's time range."""
        parameters = {**page["time"], **{name: value for name, value in request.query_params.items() if value}}
        wanted = {name.removeprefix(VARIABLE): value for name, value in parameters.items() if name.startswith(VARIABLE)}
        return cls(parameters["from"], parameters["to"], wanted, _width(request.cookies), _zone(request.cookies))

    @property
    def range_query(self) -> str:
        """The time range as a query string, for links."""
        return urlencode({"from": self.since, "to": self.until})


def _width(cookies: Mapping[str, str]) -> float:
    width = cookies.get("width", "")
    return min(MOST_WIDTH, max(LEAST_WIDTH, int(width))) if re.fullmatch(r"[0-9]{1,6}", width) else WIDTH


def _zone(cookies: Mapping[str, str]) -> tzinfo:
    try:
        return ZoneInfo(cookies["zone"].replace("%2F", "/"))
    except (KeyError, ValueError, OSError, ZoneInfoNotFoundError):  # OSError: a folder, or a name too long
        here = datetime.fromtimestamp(0).astimezone().tzinfo
        assert here is not None, "an aware time has one"
        return here


class Site:
    """The web site of the dashboards.

    Args:
        pages: the dashboards' JSON; the first one is the front page.
        prometheus: source of the data.
        interval: scrape interval of the data source, in seconds.
        clock: the current time.
        executor: runs as many queries at a time as it has workers.
        further: titles of further pages by their path, which take `from`, `to` and `agent`; the first shows logs.
    """

    def __init__(
        self,
        pages: Sequence[Json],
        prometheus: Prometheus,
        interval: float,
        clock: Clock,
        executor: Executor,
        further: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._further = further
        self._pages = {page["uid"]: page for page in pages}
        self._prometheus, self._interval = prometheus, interval
        self._clock, self._executor = clock, executor
        self._static = {
            "page.css": ("text/css", html.style_sheet(pages)),
            "page.js": ("text/javascript", html.script()),
        }

    def program(self) -> HttpProgram:
        """The program with its routes."""
        front = next(iter(self._pages))
        return HttpProgram(
            name="dashboards",
            about="Serves the dashboards, with data from Prometheus.",
            snapshot=Instruments("page", ()).snapshot,
            not_ready=lambda: None,
            routes=[
                Route("/", lambda _: RedirectResponse(f"/d/{front}")),
                Route("/d/{uid}", self._page),
                Route("/static/{name}", self._file),
            ],
        )

    def _file(self, request: Request) -> Response:
        kind, text = self._static.get(request.path_params["name"], ("", ""))
        if not kind:
            return PlainTextResponse("no such file\n", 404)
        return Response(text, media_type=kind, headers=HEADERS)

    def _page(self, request: Request) -> Response:
        page = self._pages.get(request.path_params["uid"])
        if page is None:
            return PlainTextResponse("no such page\n", 404)
        view, now = View.of(request, page), self._clock()
        try:
            start, end = instant_of(view.since, now), instant_of(view.until, now)
        except ValueError as err:
            return PlainTextResponse(f"{err}\n", 400)
        if start >= end:
            return PlainTextResponse("the time range ends before it begins\n", 400)
        live = QueryRunner(self._prometheus, self._interval, end)
        context = FormatContext(now, view.range_query)
        model, choices = draw(page, live, view.wanted, end - start, view.width, context, self._executor)
        controls = self._controls(page, view, choices)
        return HTMLResponse(html.live(model, controls, view.width, view.zone), headers=HEADERS)

    def _controls(self, page: Json, view: View, choices: Sequence[VariableChoice]) -> html.Controls:
        chosen = {
            f"{VARIABLE}{choice.name}": choice.selected for choice in choices if choice.selected and not choice.hidden
        }
        query = urlencode({"from": view.since, "to": view.until, **chosen})
        links = [html.Link(other["title"], f"/d/{uid}?{query}", other is page) for uid, other in self._pages.items()]
        agent = next((choice.selected for choice in choices if choice.name == "agent" and choice.selected), "")
        query = urlencode({"from": view.since, "to": view.until, **({"agent": agent} if agent else {})})
        others = [html.Link(title, f"{path}?{query}", current=False) for path, title in self._further.items()]
        ranges = RANGES if any(view.since == since for since, _ in RANGES) else ((view.since, "as linked"), *RANGES)
        return html.Controls(
            [*links, *others],
            choices,
            ranges,
            view.since,
            view.until,
            seconds_of(page["refresh"]),
            others[0].url if others else "",
        )
