"""The routes of Loki's API for reading, and what else Grafana's data source asks.

Errors are plain text, as Loki's are. A log query that reached a limit, or met an object that cannot be read, has a
warning; a metric query that reached one fails, for its numbers would be wrong.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isinf, isnan
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from nervesys import __version__
from nervesys.audit import AUDIT, AuditAction, AuditResult
from nervesys.clock import Clock
from nervesys.errors import NervesysError
from nervesys.logs.budget import ReadBudget
from nervesys.logs.logql.engine import LogqlEngine, LogStream
from nervesys.logs.logql.expressions import LogSelector, selectors_of
from nervesys.logs.logql.lexer import LogqlError
from nervesys.logs.logql.metrics import SeriesLabels, Steps, Vector
from nervesys.logs.logql.parser import parse
from nervesys.logs.logql.pipeline import STREAM_LABELS
from nervesys.logs.loki.catalogue import LogCatalogue, key_labels, sizes
from nervesys.logs.loki.parameters import RangeParameters, instant
from nervesys.logs.query_slots import QuerySlots, TooManyQueries
from nervesys.logs.segments import LogSegment
from nervesys.metrics.http_headers import client_of, user_of

PREFIX = "/loki/api/v1"
MOST_WHOLE = 1e15
"""Whole numbers up to it are written without an exponent."""
MOST_DIGITS = 10
"""Of `limit`."""
AUDITED, BAD_REQUEST = ("query_range", "query"), 400
"""Paths that return contents of logs; labels and sizes are not audited."""
MOST_SELECTORS = 20
"""Of `series`."""
VOLUMES = 100
"""Entries of `index/volume`, unless the request says otherwise."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LokiApi:
    """The routes.

    Attributes:
        engine: answers queries.
        catalogue: lists labels.
        slots: limits of queries.
        max_lines: of one result.
        clock: the current time.
    """

    engine: LogqlEngine
    catalogue: LogCatalogue
    slots: QuerySlots
    max_lines: int
    clock: Clock

    def routes(self) -> list[BaseRoute]:
        """The paths of the API."""
        handlers: dict[str, Callable[[Mapping[str, str], ReadBudget], Any]] = {
            "query_range": self._query_range,
            "query": self._query,
            "labels": self._labels,
            "index/stats": self._stats,
            "index/volume": self._volume,
        }
        return [
            *(Route(f"{PREFIX}/{path}", self._handled(handle)) for path, handle in handlers.items()),
            Route(f"{PREFIX}/label/{{name}}/values", self._label_values),
            Route(f"{PREFIX}/series", self._series),
            Route(f"{PREFIX}/status/buildinfo", _build_info),
            Route(f"{PREFIX}/{{path:path}}", _unsupported),
            Route("/ready", _ready),
        ]

    def _handled(self, handle: Callable[[Mapping[str, str], ReadBudget], Any]) -> Callable[[Request], Response]:
        def handled(request: Request) -> Response:
            response = self._answer(lambda budget: handle(request.query_params, budget))
            if request.url.path.rpartition("/")[2] in AUDITED:
                result = AuditResult.OK if response.status_code < BAD_REQUEST else AuditResult.FAILED
                query, client = request.query_params.get("query", ""), client_of(request.scope)
                AUDIT.record(AuditAction.READ_LOGS, result, user_of(request), query, client=client)
            return response

        return handled

    def _answer(self, handle: Callable[[ReadBudget], Any]) -> Response:
        try:
            with self.slots.take() as budget:
                return JSONResponse(handle(budget))
        except LogqlError as err:
            return PlainTextResponse(f"{err}\n", 400)
        except TooManyQueries as err:
            return PlainTextResponse(f"{err}\n", 503)
        except NervesysError as err:
            log.warning("%s", err)
            return PlainTextResponse(f"{err}\n", 502)

    def _query_range(self, query: Mapping[str, str], budget: ReadBudget) -> dict[str, Any]:
        expression, asked = _parsed(query), RangeParameters.of(query, self.clock(), self.max_lines)
        if isinstance(expression, LogSelector):
            streams = self.engine.select(
                expression, asked.start, asked.end, asked.limit, budget, newest_first=asked.newest_first
            )
            return _success("streams", [_stream(stream) for stream in streams], budget)
        steps = Steps.of(asked.start, asked.end, asked.step)
        vector = self._calculate(expression, steps, budget)
        return _success("matrix", list(_matrix(vector, steps)), budget)

    def _query(self, query: Mapping[str, str], budget: ReadBudget) -> dict[str, Any]:
        expression, at = _parsed(query), instant(query, "time", self.clock())
        if isinstance(expression, LogSelector):
            raise LogqlError("a query for lines needs a range: use query_range, or count_over_time(…[5m])")
        vector = self._calculate(expression, Steps.of(at, at, 1), budget)
        result = [
            {"metric": dict(labels), "value": [_seconds(at), _number(values[0])]}
            for labels, values in sorted(vector.items())
            if values[0] is not None
        ]
        return _success("vector", result, budget)

    def _calculate(self, expression: Any, steps: Steps, budget: ReadBudget) -> Vector:
        vector = self.engine.calculate(expression, steps, budget)
        _check_complete(budget)
        return vector

    def _labels(self, _query: Mapping[str, str], _budget: ReadBudget) -> dict[str, Any]:
        return {"status": "success", "data": sorted(STREAM_LABELS)}

    def _label_values(self, request: Request) -> Response:
        def handle(budget: ReadBudget) -> dict[str, Any]:
            start, end = self._range(request.query_params)
            values = self.catalogue.values(request.path_params["name"], start, end, budget)
            _check_complete(budget)
            return {"status": "success", "data": values}

        return self._answer(handle)

    def _series(self, request: Request) -> Response:
        def handle(budget: ReadBudget) -> dict[str, Any]:
            texts = request.query_params.getlist("match[]") or request.query_params.getlist("match")
            if len(texts) > MOST_SELECTORS:
                raise LogqlError(f"more than {MOST_SELECTORS} selectors")
            selectors = [selector for text in texts or ["{}"] for selector in _selectors(text)]
            segments = self._segments(selectors, self._range(request.query_params), budget)
            return {"status": "success", "data": [dict(labels) for labels in sorted(set(map(key_labels, segments)))]}

        return self._answer(handle)

    def _segments(
        self, selectors: list[LogSelector], span: tuple[float, float], budget: ReadBudget
    ) -> list[LogSegment]:
        segments = self.catalogue.segments(selectors, *span, budget)
        _check_complete(budget)
        return segments

    def _stats(self, query: Mapping[str, str], budget: ReadBudget) -> dict[str, Any]:
        """Objects and their packed bytes; how many records they hold is not known without reading them."""
        segments = self._segments(_selectors(query.get("query") or "{}"), self._range(query), budget)
        size = sum(segment.size for segment in segments)
        return {"streams": len(set(map(key_labels, segments))), "chunks": len(segments), "entries": 0, "bytes": size}

    def _volume(self, query: Mapping[str, str], budget: ReadBudget) -> dict[str, Any]:
        selectors, span = _selectors(query.get("query") or "{}"), self._range(query)
        of_query = [matcher.label for selector in selectors for matcher in selector.matchers]
        wanted = [label for label in (query.get("targetLabels") or "").split(",") if label] or of_query
        found = sizes(self._segments(selectors, span, budget), wanted or STREAM_LABELS)
        limit = query.get("limit", "")
        most = int(limit) if limit.isdecimal() and len(limit) < MOST_DIGITS else VOLUMES
        result = [{"metric": dict(labels), "value": [span[1], str(size)]} for labels, size in found.most_common(most)]
        return {"status": "success", "data": {"resultType": "vector", "result": result}}

    def _range(self, query: Mapping[str, str]) -> tuple[float, float]:
        asked = RangeParameters.of({**query, "limit": "", "step": "", "direction": ""}, self.clock(), self.max_lines)
        return asked.start, asked.end


def _check_complete(budget: ReadBudget) -> None:
    """An error where a limit was reached: what was counted or listed is not all."""
    if budget.exceeded:
        raise LogqlError(budget.warnings[0])


def _parsed(query: Mapping[str, str]) -> Any:
    text = query.get("query", "")
    if not text.strip():
        raise LogqlError("the parameter `query` is missing")
    return parse(text)


def _selectors(text: str) -> list[LogSelector]:
    parsed = parse(text)
    return [parsed] if isinstance(parsed, LogSelector) else selectors_of(parsed)


def _success(kind: str, result: list[Any], budget: ReadBudget) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "status": "success",
        "data": {"resultType": kind, "result": result, "stats": _statistics(budget)},
    }
    return answer | ({"warnings": budget.warnings} if budget.warnings else {})


def _statistics(budget: ReadBudget) -> dict[str, Any]:
    """What Grafana shows of a query's cost."""
    seconds = max(budget.seconds, 1e-6)
    summary = {
        "bytesProcessedPerSecond": round(budget.bytes / seconds),
        "linesProcessedPerSecond": round(budget.lines / seconds),
        "totalBytesProcessed": budget.bytes,
        "totalLinesProcessed": budget.lines,
        "execTime": seconds,
    }
    return {"summary": summary, "store": {"totalChunksDownloaded": budget.objects, "totalChunksRef": budget.objects}}


def _stream(stream: LogStream) -> dict[str, Any]:
    return {"stream": dict(stream.labels), "values": [[str(at), line] for at, line in stream.lines]}


def _matrix(vector: Vector, steps: Steps) -> list[dict[str, Any]]:
    times = list(map(_seconds, steps.seconds))

    def points(values: list[float | None]) -> list[list[Any]]:
        return [[at, _number(value)] for at, value in zip(times, values, strict=True) if value is not None]

    rows: list[tuple[SeriesLabels, list[list[Any]]]] = [(labels, points(vector[labels])) for labels in sorted(vector)]
    return [{"metric": dict(labels), "values": values} for labels, values in rows if values]


def _seconds(at: float) -> float:
    return int(at) if at == int(at) else round(at, 3)


def _number(value: float) -> str:
    """A number as Prometheus writes it."""
    if isnan(value):
        return "NaN"
    if isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value.is_integer() and abs(value) < MOST_WHOLE else repr(value)


async def _build_info(_: Request) -> Response:
    return JSONResponse({"version": __version__, "revision": "", "branch": "", "goVersion": ""})


async def _ready(_: Request) -> Response:
    return PlainTextResponse("ready\n")


async def _unsupported(request: Request) -> Response:
    path = request.path_params["path"]
    return PlainTextResponse(f"{path[:100]!r} is not supported; see docs/how-to/read-logs.md\n", 404)
