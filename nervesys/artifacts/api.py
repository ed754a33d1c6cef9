"""The HTTP API of the artifact service: registers and shows manifests and traces.

Contents never pass through it. A 2xx response means that the data is on disk, 503 asks the caller to try again, and a
4xx response names what the caller must fix.
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
from nervesys.artifacts.audit import audit_request
from nervesys.artifacts.content_uri import content_uri, is_content_uri
from nervesys.artifacts.files import ContentStorage
from nervesys.artifacts.manifest import ArtifactStatus, Id, Key, Kind, Manifest
from nervesys.artifacts.tables import ManifestDatabase
from nervesys.artifacts.tokens import Caller, Tokens
from nervesys.artifacts.trace import Update
from nervesys.clock import Clock
from nervesys.contract import format_time
from nervesys.contract.validation import describe_error
from nervesys.database import Writer
from nervesys.errors import DatabaseUnavailable, SourceError
from nervesys.metrics import Instruments
from nervesys.metrics.body import HttpRefused, read_body
from nervesys.metrics.http_headers import bearer_token
from nervesys.settings.storage import ArtifactsSettings

ROOT = "/api/v1/"
BODY_BYTES = 256 << 10
LIST_LIMIT = 1000
SIGNED_LIMIT = 7 * 86_400

Result = TypeVar("Result")
Handler = Callable[[Request, Caller], Awaitable[Any]]


class ListQuery(BaseModel):
    """ListQuery parameters of a list."""

    model_config = ConfigDict(extra="forbid")

    trace: Key | None = None
    type: Kind | None = None
    status: ArtifactStatus | None = None
    after: str = Field(default="", max_length=26)
    limit: int = Field(default=100, ge=1, le=LIST_LIMIT)


class UriQuery(BaseModel):
    """ListQuery parameters of a URI."""

    model_config = ConfigDict(extra="forbid")

    seconds: int | None = Field(default=None, ge=1, le=SIGNED_LIMIT)


class GcQuery(BaseModel):
    """ListQuery parameters of a garbage collection."""

    model_config = ConfigDict(extra="forbid")

    dry_run: bool = True


class PathParameters(BaseModel):
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

    database: ManifestDatabase
    writer: Writer
    files: ContentStorage
    tokens: Tokens
    instruments: Instruments
    settings: ArtifactsSettings
    clock: Clock

    def routes(self) -> list[BaseRoute]:
        """All routes; each handler is wrapped by `_wrap`, which authenticates the caller."""
        paths: tuple[tuple[str, str, str, Handler], ...] = (
            ("POST", "artifacts", "register", self._register),
            ("GET", "artifacts", "list", self._list),
            ("GET", "artifacts/{id}", "get", self._get),
            ("DELETE", "artifacts/{id}", "delete", self._delete),
            ("POST", "artifacts/{id}/completed", "complete", self._complete),
            ("GET", "artifacts/{id}/uri", "uri", self._uri),
            ("POST", "gc", "gc", self._gc),
            ("GET", "traces/{trace}", "trace", self._trace),
            ("POST", "traces/{trace}", "trace", self._update_trace),
            ("POST", "traces/{trace}/steps/{step}", "step", self._update_step),
        )
        return [
            Route(ROOT + path, self._wrap(name, handler), methods=[method]) for method, path, name, handler in paths
        ]

    def start(self) -> None:
        """Create every series at 0, so that `increase` sees the first event."""
        self.instruments.add(metrics.COMMIT_FAILURES, by=0)
        for operation in metrics.OPERATIONS:
            for outcome in metrics.OUTCOMES:
                self.instruments.add(metrics.REQUESTS, operation, outcome, by=0)

    def _wrap(self, operation: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Authenticate the caller, run the handler, convert errors to responses, and count the outcome."""

        async def handle(request: Request) -> Response:
            outcome, caller, status = "failed", None, HTTPStatus.OK
            response: Response = PlainTextResponse("internal error\n", HTTPStatus.INTERNAL_SERVER_ERROR)
            try:
                _validate(PathParameters, request.path_params)
                caller = self._authenticate(request)
                body = await handler(request, caller)
                outcome, response = "ok", JSONResponse(body)
            except HttpRefused as refused:
                status = refused.status
                outcome, response = "refused", PlainTextResponse(f"{refused}\n", refused.status)
            except (DatabaseUnavailable, SourceError) as err:
                response = PlainTextResponse(f"try again later: {err}\n", HTTPStatus.SERVICE_UNAVAILABLE)
            finally:
                self.instruments.add(metrics.REQUESTS, operation, outcome)
                audit_request(request, operation, caller, outcome, status)
            return response

        return handle

    def _authenticate(self, request: Request) -> Caller:
        token = bearer_token(request)
        caller = None if token is None else self.tokens.caller(token)
        if caller is None:
            raise HttpRefused(HTTPStatus.UNAUTHORIZED, "no_token", "the bearer token is missing or wrong")
        return caller

    async def _register(self, request: Request, caller: Caller) -> Any:
        manifest = await _read_model(request, Manifest)
        if not is_content_uri(self.files.root, manifest):
            wanted = content_uri(self.files.root, manifest)
            raise HttpRefused(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", f"uri: must be {wanted}")
        if manifest.status is ArtifactStatus.COMPLETED:
            await self._check_content(manifest)
        return _as_json(await self._commit(lambda connection: registry.register(connection, caller, manifest)))

    async def _complete(self, request: Request, caller: Caller) -> Any:
        id_ = request.path_params["id"]
        found = self._read(lambda connection: registry.find(connection, caller, id_))
        await self._check_content(found)
        return _as_json(await self._commit(lambda connection: registry.complete(connection, caller, id_)))

    async def _check_content(self, manifest: Manifest) -> None:
        """Check that the content is in place, with the size that the manifest states."""
        size = await run_in_threadpool(self.files.size, manifest.uri)
        if size != manifest.size_bytes:
            stored = "nothing" if size is None else f"{size} bytes"
            raise HttpRefused(
                HTTPStatus.CONFLICT, "conflict", f"size_bytes: {manifest.size_bytes}, but {manifest.uri} holds {stored}"
            )

    async def _get(self, request: Request, caller: Caller) -> Any:
        return _as_json(self._read(lambda connection: registry.find(connection, caller, request.path_params["id"])))

    async def _list(self, request: Request, caller: Caller) -> Any:
        query = _validate(ListQuery, request.query_params)
        wanted = registry.ManifestFilter(query.trace, query.type, query.status, query.after, query.limit)
        found = self._read(lambda connection: registry.list_manifests(connection, caller, wanted))
        return {"artifacts": [_as_json(manifest) for manifest in found]}

    async def _uri(self, request: Request, caller: Caller) -> Any:
        seconds = _validate(UriQuery, request.query_params).seconds or self.settings.link_seconds
        found = self._read(lambda connection: registry.find(connection, caller, request.path_params["id"]))
        if found.status is not ArtifactStatus.COMPLETED:
            raise HttpRefused(HTTPStatus.CONFLICT, "conflict", f"{found.id} is still uploading")
        signed = await run_in_threadpool(self.files.sign, found.uri, seconds)
        expires = format_time(self.clock() + seconds) if signed else None
        return {"uri": signed or found.uri, "expires_at": expires}

    async def _delete(self, request: Request, caller: Caller) -> Any:
        id_ = request.path_params["id"]
        deleted = await self._commit(lambda connection: registry.delete(connection, caller, id_))
        await run_in_threadpool(self.files.delete, deleted.uri)
        return {"deleted": id_}

    async def _gc(self, request: Request, caller: Caller) -> Any:
        if not caller.admin:
            raise HttpRefused(HTTPStatus.FORBIDDEN, "forbidden", "only the administrator may delete")
        query, limits = _validate(GcQuery, request.query_params), gc.GcLimits(self.clock(), self.settings)
        plan = await run_in_threadpool(self._make_plan, limits)
        if not query.dry_run:
            uris = await self.writer.commit(lambda connection: gc.delete_manifests(connection, plan))
            for uri in uris:
                await run_in_threadpool(self.files.delete, uri)
            plan = plan.model_copy(update={"going": tuple(item for item in plan.going if item.uri in set(uris))})
        return _as_json(plan)

    def _make_plan(self, limits: gc.GcLimits) -> gc.GcPlan:
        listed = list(self.files.all())  # before the manifests: a file that is registered meanwhile is no orphan
        with self.database.reading() as connection:
            return gc.make_plan(connection, listed, limits)

    async def _trace(self, request: Request, caller: Caller) -> Any:
        return _as_json(
            self._read(lambda connection: traces.trace_of(connection, caller, request.path_params["trace"]))
        )

    async def _update_trace(self, request: Request, caller: Caller) -> Any:
        update, trace = await _read_model(request, Update), request.path_params["trace"]
        return _as_json(await self._commit(lambda connection: traces.update_trace(connection, caller, trace, update)))

    async def _update_step(self, request: Request, caller: Caller) -> Any:
        update, path = await _read_model(request, Update), request.path_params
        return _as_json(
            await self._commit(lambda c: traces.update_step(c, caller, path["trace"], path["step"], update)),
        )

    def _read(self, query: Callable[[Connection], Result | HttpRefused]) -> Result:
        with self.database.reading() as connection:
            return _raise_refused(query(connection))

    async def _commit(self, operation: Callable[[Connection], Result | HttpRefused]) -> Result:
        return _raise_refused(await self.writer.commit(operation))


Model = TypeVar("Model", bound=BaseModel)


async def _read_model(request: Request, model: type[Model]) -> Model:
    body = await read_body(request, BODY_BYTES)
    try:
        return model.model_validate_json(body)
    except ValidationError as err:
        raise _invalid(err) from err


def _validate(model: type[Model], values: Any) -> Model:
    try:
        return model.model_validate(dict(values))
    except ValidationError as err:
        raise _invalid(err) from err


def _invalid(err: ValidationError) -> HttpRefused:
    """The validation errors without the values, which might be secrets sent by mistake."""
    errors = err.errors(include_url=False, include_input=False)
    text = "; ".join(f"{'.'.join(map(str, error['loc'])) or 'manifest'}: {describe_error(error)}" for error in errors)
    return HttpRefused(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", text)


def _raise_refused(result: Result | HttpRefused) -> Result:
    if isinstance(result, HttpRefused):
        raise result
    return result


def _as_json(model: BaseModel) -> Any:
    return model.model_dump(mode="json")
