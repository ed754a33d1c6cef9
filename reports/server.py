"""Serves the dashboards as live pages. Read-only: it runs only the dashboards' own queries, none from a browser."""

import gzip
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from types import MappingProxyType
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from nervesys.audit import AuditAction
from nervesys.clients.prometheus import Prometheus, QueryFailed
from nervesys.clock import Clock
from nervesys.contract.dashboard_links import AGENT_VARIABLE
from nervesys.metrics import Instruments
from nervesys.metrics.http_headers import accepts_gzip
from nervesys.metrics.pages import HttpProgram
from nervesys.queries.dashboard_queries import Json, variables_of
from nervesys.queries.query_runner import QueryRunner, VariableChoice
from reports import html
from reports.assets import script as script_text
from reports.assets import version
from reports.draw import LogPanelReader, draw
from reports.fields import FormatContext
from reports.view import INTERVALS, VARIABLE, View

LASTING = {"cache-control": "public, max-age=31536000, immutable"}
"""Of a file under an address that changes with its content."""
GZIP_LEVEL = 5
AGENT_VARIABLES = ("agent", AGENT_VARIABLE)
"""Names of the variable that holds an agent: of several, and of one."""
MOST_LETTERS = 100
"""Longest text that is searched for."""
QUERY_SECONDS = 20.0
"""For all queries of a page; what has responded by then is shown."""
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}


class Site:
    """The web site of the dashboards.

    Args:
        pages: the dashboards' JSON; the first one is the front page.
        prometheus: source of the data.
        interval: scrape interval of the data source, in seconds.
        clock: the current time.
        executor: runs as many queries at a time as it has workers.
        further: titles of further pages by their path, which take `from`, `to` and `agent`; the first shows logs.
        journal: URL of the receiver's journal, which takes `agent`; empty for none.
        logs: reads the log records of panels.
    """

    def __init__(
        self,
        pages: Sequence[Json],
        prometheus: Prometheus,
        interval: float,
        clock: Clock,
        executor: Executor,
        further: Mapping[str, str] = MappingProxyType({}),
        journal: str = "",
        logs: LogPanelReader | None = None,
    ) -> None:
        self._further, self._journal, self._logs = further, journal, logs
        self._pages = {page["uid"]: page for page in pages}
        self._prometheus, self._interval = prometheus, interval
        self._clock, self._executor = clock, executor
        style, script = html.style_sheet(pages), script_text()
        self._static = {"page.css": ("text/css", style), "page.js": ("text/javascript", script)}
        self._versions = {"style": version(style), "script": version(script)}

    def program(self) -> HttpProgram:
        """The program with its routes."""
        front = next(iter(self._pages))
        return HttpProgram(
            name="dashboards",
            about="Serves the dashboards, with data from Prometheus.",
            snapshot=Instruments("page", ()).snapshot,
            not_ready=lambda: None,
            audited=(AuditAction.SIGN_IN, AuditAction.READ_LOGS),
            routes=[
                Route("/", lambda _: RedirectResponse(f"/d/{front}")),
                Route("/d/{uid}", self._page),
                Route("/d/{uid}/values/{name}", self._search),
                Route("/static/{name}", self._file),
            ],
        )

    def _file(self, request: Request) -> Response:
        kind, text = self._static.get(request.path_params["name"], ("", ""))
        if not kind:
            return PlainTextResponse("no such file\n", 404)
        lasting = request.url.query == version(text)
        return _compressed(request, text, kind, HEADERS | (LASTING if lasting else {}))

    def _page(self, request: Request) -> Response:
        page = self._pages.get(request.path_params["uid"])
        if page is None:
            return PlainTextResponse("no such page\n", 404)
        now = self._clock()
        try:
            view = View.of(request, page, now)
        except ValueError as err:
            return PlainTextResponse(f"{err}\n", 400)
        live = QueryRunner(self._prometheus, self._interval, view.end)
        context = FormatContext(now, view.range_query)
        model, choices = draw(
            page,
            live,
            view.wanted,
            view.end - view.start,
            view.canvas.width,
            context,
            self._executor,
            QUERY_SECONDS,
            self._logs,
        )
        text = html.live(model, self._controls(page, view, choices), view.canvas, self._versions)
        return _compressed(request, text, "text/html", HEADERS)

    def _search(self, request: Request) -> Response:
        """Values of a variable that contain `text`, for a field that suggests them while people type."""
        page, name = self._pages.get(request.path_params["uid"]), request.path_params["name"]
        if page is None or not any(variable["name"] == name for variable in variables_of(page)):
            return JSONResponse({"error": "no such page or variable"}, 404, headers=HEADERS)
        try:
            view = View.of(request, page, self._clock())
            live = QueryRunner(self._prometheus, self._interval, view.end)
            text = request.query_params.get("text", "")[:MOST_LETTERS]
            found = live.search(page, name, text, view.wanted, view.end - view.start)
        except ValueError as err:
            return JSONResponse({"error": str(err)}, 400, headers=HEADERS)
        except QueryFailed as err:
            return JSONResponse({"error": str(err)}, 502, headers=HEADERS)
        return JSONResponse({"values": found}, headers=HEADERS)

    def _controls(self, page: Json, view: View, choices: Sequence[VariableChoice]) -> html.Controls:
        chosen = {choice.name: choice.selected for choice in choices if choice.selected and not choice.hidden}
        agent = next((chosen[name] for name in AGENT_VARIABLES if name in chosen), "")
        chosen |= dict.fromkeys(AGENT_VARIABLES, agent) if agent else {}
        kept = {**{f"{VARIABLE}{name}": value for name, value in chosen.items()}, **view.refresh_parameter}
        query = urlencode({**view.range_parameters, **kept})
        links = [html.Link(other["title"], f"/d/{uid}?{query}", other is page) for uid, other in self._pages.items()]
        query = urlencode({**view.range_parameters, **({"agent": agent} if agent else {})})
        others = [html.Link(title, f"{path}?{query}", current=False) for path, title in self._further.items()]
        if self._journal:
            others.append(html.journal_link(self._journal, agent))
        intervals = list(dict.fromkeys((page["refresh"], *INTERVALS, view.refresh)))
        return html.Controls(
            pages=[*links, *others],
            choices=choices,
            ranges=view.ranges,
            range=view.range,
            bounds=view.bounds,
            intervals=intervals,
            interval=view.refresh,
            refresh_seconds=view.refresh_seconds,
            kept=tuple(kept.items()),
            logs=others[0].url if self._further else "",
        )


def _compressed(request: Request, text: str, kind: str, headers: Mapping[str, str]) -> Response:
    headers = {**headers, "vary": "accept-encoding, cookie"}
    if not accepts_gzip(request.headers.get("accept-encoding", "")):
        return Response(text, media_type=kind, headers=headers)
    body = gzip.compress(text.encode(), GZIP_LEVEL)
    return Response(body, media_type=kind, headers={**headers, "content-encoding": "gzip"})
