"""The HTTP API of the artifact service: registers and shows manifests and traces.

Contents never pass through it. A 2xx response means that the data is on disk, 503 asks the caller to try again, and a
4xx response says what the caller must fix.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from nervesys.artifacts import gc, metrics, registry, traces
from nervesys.artifacts.database import Manifests
from nervesys.artifacts.files import Files
from nervesys.artifacts.manifest import Id, Key, Kind, Manifest, Status
from nervesys.artifacts.tokens import Caller, Tokens
from nervesys.artifacts.trace import Update
from nervesys.clock import Clock
from nervesys.contract import format_time
from nervesys.database import Writer
from nervesys.errors import DatabaseUnavailable, SourceError
from nervesys.metrics import Instruments
from nervesys.metrics.body import Refused, read_body
from nervesys.settings.storage import ArtifactsSettings

ROOT = "/api/v1/"
BODY_BYTES = 256 << 10
LIST_LIMIT = 1000
SIGNED_LIMIT = 7 * 86_400

Result = TypeVar("Result")
Answer = Callable[[Request, Caller], Awaitable[Any]]


class Query(BaseModel):
    """Query parameters of a list."""

    model_config = ConfigDict(extra="forbid")

    trace: Key | None = None
    type: Kind | None = None
    status: Status | None = None
    after: str = Field(default="", max_length=26)
    limit: int = Field(default=100, ge=1, le=LIST_LIMIT)


class Expiry(BaseModel):
    """Query parameters of a URI."""

    model_config = ConfigDict(extra="forbid")

    seconds: int | None = Field(default=None, ge=1, le=SIGNED_LIMIT)


class Run(BaseModel):
    """Query parameters of a garbage collection."""

    model_config = ConfigDict(extra="forbid")

    dry_run: bool = True


class Named(BaseModel):
    """Parameters in a path."""

    model_config = ConfigDict(extra="ignore")

    id: Id | None = None
    trace: Key | None = None
    step: Key | None = None


@dataclass(frozen=True)
class Api:
    """The API's routes and their handlers.

    Attributes:
        database: for reading.
        writer: for writing.
        files: storage of the contents.
        tokens: authenticate the callers.
        instruments: count requests.
        settings: lifetime of links, limits of the garbage collection.
        clock: the current time.
    """

    database: Manifests
    writer: Writer
    files: Files
    tokens: Tokens
    instruments: Instruments
    settings: ArtifactsSettings
    clock: Clock

    def routes(self) -> list[BaseRoute]:
        """All routes; each handler is wrapped by `_guarded`, which authenticates the caller."""
        paths: tuple[tuple[str, str, str, Answer], ...] = (
            ("POST", "artifacts", "register", self._register),
            ("GET", "artifacts", "list", self._list),
            ("GET", "artifacts/{id}", "get", self._get),
            ("DELETE", "artifacts/{id}", "delete", self._delete),
            ("POST", "artifacts/{id}/completed", "complete", self._complete),
            ("GET", "artifacts/{id}/uri", "uri", self._uri),
            ("POST", "gc", "gc", self._gc),
            ("GET", "traces/{trace}", "trace", self._trace),
            ("POST", "traces/{trace}", "trace", self._tell_trace),
            ("POST", "traces/{trace}/steps/{step}", "step", self._tell_step),
        )
        return [
            Route(ROOT + path, self._guarded(name, answer), methods=[method]) for method, path, name, answer in paths
        ]

    def start(self) -> None:
        """Create every series at 0, so that `increase` sees the first event."""
        self.instruments.add(metrics.COMMIT_FAILURES, by=0)
        for operation in metrics.OPERATIONS:
            for outcome in metrics.OUTCOMES:
                self.instruments.add(metrics.REQUESTS, operation, outcome, by=0)

    def _guarded(self, operation: str, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        """Authenticate the caller, run the handler, convert errors to responses, and count the outcome."""

        async def guarded(request: Request) -> Response:
            outcome = "failed"
            response: Response = PlainTextResponse("internal error\n", HTTPStatus.INTERNAL_SERVER_ERROR)
            try:
                _checked(Named, request.path_params)
                said = await answer(request, self._caller(request))
                outcome, response = "ok", JSONResponse(said)
            except Refused as refused:
                outcome, response = "refused", PlainTextResponse(f"{refused}\n", refused.status)
            except (DatabaseUnavailable, SourceError) as err:
                response = PlainTextResponse(f"try again later: {err}\n", HTTPStatus.SERVICE_UNAVAILABLE)
            finally:
                self.instruments.add(metrics.REQUESTS, operation, outcome)
            return response

        return guarded

    def _caller(self, request: Request) -> Caller:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        caller = self.tokens.caller(token.strip()) if kind.lower() == "bearer" else None
        if caller is None:
            raise Refused(HTTPStatus.UNAUTHORIZED, "no_token", "the bearer token is missing or wrong")
        return caller

    async def _register(self, request: Request, who: Caller) -> Any:
        said = await _body(request, Manifest)
        if said.uri != self.files.uri(said.id):
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", f"uri: must be {self.files.uri(said.id)}")
        if said.status is Status.COMPLETED:
            await self._look(said)
        return _shown(await self._commit(lambda connection: registry.register(connection, who, said)))

    async def _complete(self, request: Request, who: Caller) -> Any:
        id_ = request.path_params["id"]
        found = self._read(lambda connection: registry.find(connection, who, id_))
        await self._look(found)
        return _shown(await self._commit(lambda connection: registry.complete(connection, who, id_)))

    async def _look(self, said: Manifest) -> None:
        """Check that the content is in place, with the size that the manifest states."""
        size = await run_in_threadpool(self.files.size, said.uri)
        if size != said.size_bytes:
            there = "nothing" if size is None else f"{size} bytes"
            raise Refused(
                HTTPStatus.CONFLICT, "conflict", f"size_bytes: {said.size_bytes}, but {said.uri} holds {there}"
            )

    async def _get(self, request: Request, who: Caller) -> Any:
        return _shown(self._read(lambda connection: registry.find(connection, who, request.path_params["id"])))

    async def _list(self, request: Request, who: Caller) -> Any:
        asked = _checked(Query, request.query_params)
        wanted = registry.Filter(asked.trace, asked.type, asked.status, asked.after, asked.limit)
        return {"artifacts": [_shown(one) for one in self._read(lambda c: registry.listing(c, who, wanted))]}

    async def _uri(self, request: Request, who: Caller) -> Any:
        seconds = _checked(Expiry, request.query_params).seconds or self.settings.link_seconds
        found = self._read(lambda connection: registry.find(connection, who, request.path_params["id"]))
        if found.status is not Status.COMPLETED:
            raise Refused(HTTPStatus.CONFLICT, "conflict", f"{found.id} is still uploading")
        signed = await run_in_threadpool(self.files.signed, found.uri, seconds)
        expires = format_time(self.clock() + seconds) if signed else None
        return {"uri": signed or found.uri, "expires_at": expires}

    async def _delete(self, request: Request, who: Caller) -> Any:
        id_ = request.path_params["id"]
        gone = await self._commit(lambda connection: registry.delete(connection, who, id_))
        await run_in_threadpool(self.files.delete, gone.uri)
        return {"deleted": id_}

    async def _gc(self, request: Request, who: Caller) -> Any:
        if not who.admin:
            raise Refused(HTTPStatus.FORBIDDEN, "forbidden", "only the administrator deletes")
        asked, limits = _checked(Run, request.query_params), gc.Limits(self.clock(), self.settings)
        plan = await run_in_threadpool(self._planned, limits)
        if not asked.dry_run:
            uris = await self.writer.commit(lambda connection: gc.forget(connection, plan))
            for uri in uris:
                await run_in_threadpool(self.files.delete, uri)
            plan = plan.model_copy(update={"going": tuple(one for one in plan.going if one.uri in set(uris))})
        return _shown(plan)

    def _planned(self, limits: gc.Limits) -> gc.Plan:
        listed = list(self.files.all())
        with self.database.reading() as connection:
            return gc.planned(connection, listed, limits)

    async def _trace(self, request: Request, who: Caller) -> Any:
        return _shown(self._read(lambda connection: traces.trace_of(connection, who, request.path_params["trace"])))

    async def _tell_trace(self, request: Request, who: Caller) -> Any:
        said, trace = await _body(request, Update), request.path_params["trace"]
        return _shown(await self._commit(lambda connection: traces.tell_trace(connection, who, trace, said)))

    async def _tell_step(self, request: Request, who: Caller) -> Any:
        said, path = await _body(request, Update), request.path_params
        return _shown(
            await self._commit(lambda c: traces.tell_step(c, who, path["trace"], path["step"], said)),
        )

    def _read(self, query: Callable[[Connection], Result | Refused]) -> Result:
        with self.database.reading() as connection:
            return _taken(query(connection))

    async def _commit(self, operation: Callable[[Connection], Result | Refused]) -> Result:
        return _taken(await self.writer.commit(operation))


Model = TypeVar("Model", bound=BaseModel)


async def _body(request: Request, model: type[Model]) -> Model:
    body = await read_body(request, BODY_BYTES)
    try:
        return model.model_validate_json(body)
    except ValidationError as err:
        raise _invalid(err) from err


def _checked(model: type[Model], said: Any) -> Model:
    try:
        return model.model_validate(dict(said))
    except ValidationError as err:
        raise _invalid(err) from err


def _invalid(err: ValidationError) -> Refused:
    """The validation errors without the values, which might be secrets sent by mistake."""
    wrong = err.errors(include_url=False, include_input=False, include_context=False)
    said = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'manifest'}: {one['msg']}" for one in wrong)
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", said)


def _taken(result: Result | Refused) -> Result:
    if isinstance(result, Refused):
        raise result
    return result


def _shown(model: BaseModel) -> Any:
    return model.model_dump(mode="json")
