"""Serves the pages Logs and Tasks, beside the dashboards and for the same readers. Read-only.

A page is a form and an empty list; its script asks for rows as JSON, and draws those that are in view.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from urllib.parse import urlencode

from jinja2 import PackageLoader, Template
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from nervesys.audit import AUDIT, AuditAction, AuditResult
from nervesys.clock import Clock
from nervesys.contract.logs import LEVELS
from nervesys.errors import NervesysError
from nervesys.logs.budget import ReadBudget
from nervesys.logs.query_slots import QuerySlots, TooManyQueries
from nervesys.logs.reader import LogReader
from nervesys.logs.tasks import read_tasks
from nervesys.metrics.http_headers import client_of, user_of
from nervesys.settings.prices import Prices
from reports.html import Link, environment, journal_link
from reports.logs.rows import log_rows, task_rows
from reports.logs.view import CATEGORIES, PAGE_ROWS, RANGES, LogView
from reports.server import AGENT_VARIABLES, HEADERS
from reports.view import VARIABLE, range_label, zone_of

FILES = {"logs.css": "text/css", "logs.js": "text/javascript"}
TITLES = {"logs": "Logs", "tasks": "Tasks"}
PATHS = {f"/{kind}": title for kind, title in TITLES.items()}
"""Titles by path."""


@dataclass(frozen=True)
class LogSite:
    """Logs and tasks as pages.

    Attributes:
        reader: opens the reader of store and archive, once it is needed.
        agents: names to choose from.
        prices: of models, for the cost of tasks.
        pages: titles of the dashboards by their uid, for links.
        slots: limits of queries.
        clock: the current time.
        journal: URL of the receiver's journal, which takes `agent`; empty for none.
    """

    reader: Callable[[], LogReader]
    agents: Sequence[str]
    prices: Prices
    pages: Mapping[str, str]
    slots: QuerySlots
    clock: Clock
    journal: str = ""

    def routes(self) -> list[BaseRoute]:
        """The routes of the pages."""
        return [
            *(Route(f"/{kind}", self._page, name=kind) for kind in TITLES),
            *(Route(f"/{kind}/rows", self._rows, name=f"{kind} rows") for kind in TITLES),
            Route("/logs/static/{name}", self._file),
        ]

    def _file(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in FILES:
            return PlainTextResponse("no such file\n", 404)
        return Response(files("reports").joinpath("page", name).read_text(), media_type=FILES[name], headers=HEADERS)

    def _page(self, request: Request) -> Response:
        kind = request.url.path.strip("/")
        try:
            view = LogView.of(request.query_params, self.clock(), tasks=kind == "tasks")
        except ValueError as err:
            return PlainTextResponse(f"{err}\n", 400)
        agent = view.values.get("agent", "")
        chosen = {f"{VARIABLE}{name}": agent for name in AGENT_VARIABLES} if agent else {}
        query = urlencode({"from": view.since, "to": view.until, **chosen})
        own = urlencode({"from": view.since, "to": view.until, **({"agent": agent} if agent else {})})
        links = [Link(title, f"/d/{uid}?{query}", current=False) for uid, title in self.pages.items()]
        links += [Link(title, f"/{name}?{own}", current=name == kind) for name, title in TITLES.items()]
        if self.journal:
            links.append(journal_link(self.journal, agent))
        label = range_label(view.query.since, view.query.until, zone_of(request.cookies))
        ranges = RANGES if any(view.since == since for since, _ in RANGES) else ((view.since, label), *RANGES)
        text = _template().render(
            kind=kind,
            title=TITLES[kind],
            links=links,
            agents=sorted({*self.agents, *([agent] if agent else [])}),
            levels=[level.lower() for level in LEVELS],
            categories=CATEGORIES,
            ranges=ranges,
            view=view,
            values=defaultdict(str, view.values),
        )
        return HTMLResponse(text, headers=HEADERS)

    def _rows(self, request: Request) -> Response:
        kind = request.url.path.split("/")[1]
        try:
            view = LogView.of(request.query_params, self.clock(), tasks=kind == "tasks")
        except ValueError as err:
            return JSONResponse({"error": str(err)}, 400, headers=HEADERS)
        try:
            with self.slots.take() as budget:
                found = self._read(view, kind, budget)
            _audit(request, kind, view, AuditResult.OK)
            return JSONResponse(found, headers=HEADERS)
        except NervesysError as err:
            _audit(request, kind, view, AuditResult.FAILED)
            status = 503 if isinstance(err, TooManyQueries) else 502
            return JSONResponse({"error": str(err)}, status, headers=HEADERS)

    def _read(self, view: LogView, kind: str, budget: ReadBudget) -> dict[str, object]:
        entries = self.reader().first(view.query, PAGE_ROWS, budget)
        if kind == "tasks":
            rows = list(task_rows(read_tasks(entries, self.prices), self.prices.currency))
        else:
            rows = list(log_rows(entries))
        oldest = entries[-1].at * 1000 if len(entries) == PAGE_ROWS or budget.shortened else None
        return {"rows": rows, "oldest": oldest, "warnings": budget.warnings}


def _audit(request: Request, kind: str, view: LogView, result: AuditResult) -> None:
    """Audit a reading; its time range is left out, so that a live page is one event with its repetitions."""
    values = " ".join(f"{name}={value}" for name, value in sorted(view.values.items()) if value)
    client = client_of(request.scope)
    AUDIT.record(AuditAction.READ_LOGS, result, user_of(request), f"{kind} {values}".strip(), client=client)


def _template() -> Template:
    return environment(PackageLoader("reports", "page")).get_template("logs.html")
