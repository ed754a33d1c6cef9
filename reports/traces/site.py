"""Serves the page of a trace, beside the dashboards and for the same readers. Read-only, and without a script."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from threading import BoundedSemaphore

from jinja2 import Environment, PackageLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from nervesys.contract import agent_name
from nervesys.errors import BadObject, NervesysError
from nervesys.logs.budget import ReadBudget
from reports.html import environment
from reports.server import HEADERS
from reports.traces.find import TRACE_ID, TraceFinder
from reports.traces.waterfall import arrange

QUERY_BYTES, QUERY_SECONDS = 512 << 20, 20.0
"""What one request may read; the page shows where it stopped."""
QUERIES, WAIT_SECONDS = 2, 10.0
"""Requests that read at the same time, and how long others wait."""
MINUTE = 60.0


@dataclass(frozen=True)
class TraceSite:
    """Traces as pages.

    Attributes:
        finder: opens the reader of the store, once it is needed.
        pages: titles of the dashboards by their uid, for links.
    """

    finder: Callable[[], TraceFinder]
    pages: Mapping[str, str]
    _queries: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(QUERIES))

    def routes(self) -> list[BaseRoute]:
        """The routes of the page."""
        return [Route("/trace/static/trace.css", self._style), Route("/trace/{trace_id}", self._page)]

    def _style(self, _: Request) -> Response:
        text = files("reports").joinpath("page", "trace.css").read_text()
        return Response(text, media_type="text/css", headers=HEADERS)

    def _page(self, request: Request) -> Response:
        trace_id = request.path_params["trace_id"].lower()
        if not TRACE_ID.fullmatch(trace_id):
            return PlainTextResponse("a trace is named by 32 hexadecimal digits\n", 400, HEADERS)
        try:
            agent = agent_name(given) if (given := request.query_params.get("agent", "")) else ""
        except BadObject as bad:
            return PlainTextResponse(f"agent: {bad.detail}\n", 400, HEADERS)
        if not self._queries.acquire(timeout=WAIT_SECONDS):
            return PlainTextResponse("too many readers; try again in a moment\n", 503, HEADERS)
        try:
            return self._drawn(trace_id, agent)
        except NervesysError as err:
            return PlainTextResponse(f"{err}\n", 502, HEADERS)
        finally:
            self._queries.release()

    def _drawn(self, trace_id: str, agent: str) -> Response:
        budget = ReadBudget(max_bytes=QUERY_BYTES, max_seconds=QUERY_SECONDS)
        spans = self.finder().find(trace_id, agent, budget)
        text = (
            _environment()
            .get_template("trace.html")
            .render(
                trace_id=trace_id,
                agent=agent,
                pages=self.pages,
                waterfall=arrange(spans) if spans else None,
                warnings=budget.warnings,
                objects=budget.objects,
            )
        )
        return HTMLResponse(text, 200 if spans else 404, HEADERS)


def _environment() -> Environment:
    templates = environment(PackageLoader("reports", "page"))
    templates.filters["duration"] = _duration
    templates.filters["instant"] = lambda at: datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return templates


def _duration(seconds: float) -> str:
    """Such as `12 ms`, `1.25 s`, `3 min 5 s`."""
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    if seconds < MINUTE:
        return f"{seconds:.3g} s"
    return f"{seconds // MINUTE:.0f} min {seconds % MINUTE:.0f} s"
