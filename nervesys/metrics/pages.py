"""The HTTP pages that every program serves: `/metrics`, `/-/healthy`, `/-/ready` and a landing page.

`/metrics` sends a snapshot that is already rendered and compressed.
"""

import gc
import logging
import signal
import ssl
import sys
import time
from base64 import b64decode
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from html import escape
from socket import socket
from threading import Thread

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.config import STARTUP_FAILURE

from nervesys import __version__
from nervesys.audit import AUDIT, UNKNOWN, AuditAction, AuditResult
from nervesys.errors import SettingsError, SettingsProblem
from nervesys.metrics.audit import audit_snapshot
from nervesys.metrics.host_check import AllowedHosts, HostCheck, is_below
from nervesys.metrics.http_headers import USER, NoSniff, accepts_gzip, client_of, is_secret
from nervesys.metrics.http_server import BoundedServer, bounded_server
from nervesys.metrics.listener import Connections, connection_limit, open_listeners, raise_file_limit
from nervesys.metrics.snapshot import MetricsSnapshot
from nervesys.settings.rotating_secret import valid_values
from nervesys.settings.web import FILE, Web

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS = "application/openmetrics-text"
OPEN_METRICS_TYPE = f"{OPEN_METRICS}; version=1.0.0; charset=utf-8"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class HttpProgram:
    """What the pages of a program show.

    Attributes:
        name: name for operators, such as `store exporter`.
        about: one sentence for the landing page.
        snapshot: returns the metrics; may be asynchronous.
        not_ready: returns why the program is not ready, or None if it is.
        routes: further pages.
        links: links of the landing page: label by path.
        self_guarded: paths that authenticate with a token and are therefore exempt from basic auth; one that ends in
            `/` includes everything below it.
        lifespan: Starlette lifespan, for background work.
        audited: actions of the audit trail that the program records; with any, its metrics are served too.
    """

    name: str
    about: str
    snapshot: Callable[[], MetricsSnapshot | Awaitable[MetricsSnapshot]]
    not_ready: Callable[[], str | None]
    routes: Sequence[BaseRoute] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    self_guarded: frozenset[str] = frozenset()
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]] | None = None
    audited: Sequence[AuditAction] = ()


async def _healthy(_: Request) -> Response:
    return PlainTextResponse("healthy\n")


HEALTHY = Route("/-/healthy", _healthy)


async def _internal_error(_: Request, __: Exception) -> Response:
    return PlainTextResponse("internal error\n", 500, {"x-content-type-options": "nosniff"})


def application(program: HttpProgram, web: Web) -> Starlette:
    """The program's pages as an ASGI application, with basic auth if it is configured.

    Raises:
        SettingsError: basic auth or TLS is half configured.
    """
    web.check_listener()

    async def metrics(request: Request) -> Response:
        result = program.snapshot()
        snapshot = result if isinstance(result, MetricsSnapshot) else await result
        if program.audited:
            snapshot = MetricsSnapshot.concatenate([snapshot, audit_snapshot(program.audited)])
        return metrics_response(request, snapshot)

    async def ready(_: Request) -> Response:
        return ready_response(program.not_ready())

    async def landing(_: Request) -> Response:
        return HTMLResponse(landing_page(program))

    routes: list[BaseRoute] = [Route("/metrics", metrics), HEALTHY, Route("/-/ready", ready)]
    routes += program.routes
    if not any(isinstance(route, Route) and route.path == "/" for route in routes):
        routes.append(Route("/", landing))
    open_paths = program.self_guarded | {HEALTHY.path}
    middleware = [Middleware(NoSniff)]
    if web.basic_auth_user:
        middleware.append(Middleware(BasicAuth, web=web, open_paths=open_paths, program=program.name))
    handlers = {Exception: _internal_error}
    app = Starlette(routes=routes, middleware=middleware, exception_handlers=handlers, lifespan=program.lifespan)
    app.router.redirect_slashes = False  # it would redirect to whatever host the request names
    app.state.open_paths = open_paths
    return app


def metrics_response(request: Request, snapshot: MetricsSnapshot) -> Response:
    """A snapshot, as OpenMetrics if it has exemplars and the client accepts that; compressed if it accepts that."""
    media_type, headers = CONTENT_TYPE, {"vary": "accept-encoding"}
    if snapshot.exemplars:
        headers["vary"] = "accept, accept-encoding"
        if OPEN_METRICS in request.headers.get("accept", ""):
            snapshot, media_type = snapshot.open_metrics, OPEN_METRICS_TYPE
    if accepts_gzip(request.headers.get("accept-encoding", "")):
        headers["content-encoding"] = "gzip"
        return Response(snapshot.gzipped, headers=headers, media_type=media_type)
    return Response(snapshot.plain, headers=headers, media_type=media_type)


def ready_response(not_ready: str | None) -> Response:
    """200, or 503 with the reason."""
    return PlainTextResponse(f"{not_ready}\n", 503) if not_ready else PlainTextResponse("ready\n")


def landing_page(program: HttpProgram) -> str:
    """The landing page: what the program is, whether it is ready, and links."""
    reason = program.not_ready()
    links = {"/metrics": "metrics", "/-/healthy": "health", "/-/ready": "readiness", **program.links}
    items = "".join(f'<li><a href="{escape(path)}">{escape(label)}</a></li>' for path, label in links.items())
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(program.name)}</title>"
        "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}"
        "@media(prefers-color-scheme:dark){body{background:#111;color:#eee}a{color:#8cf}}</style>"
        f"<h1>{escape(program.name)}</h1><p>{escape(program.about)}</p>"
        f"<p>{'Not ready: ' + escape(reason) if reason else 'Ready.'}</p><ul>{items}</ul>"
        f"<p>nervesys-observability {__version__}</p></html>"
    )


class BasicAuth:
    """Middleware for HTTP basic auth with one user; compares in constant time."""

    def __init__(
        self, app: ASGIApp, web: Web, open_paths: frozenset[str] = frozenset({"/-/healthy"}), program: str = ""
    ) -> None:
        self._app = app
        self._open, self._program = open_paths, program
        self._user, self._password = web.basic_auth_user, web.basic_auth_password or SecretStr("")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        guarded = scope["type"] == "http" and not self._is_open(scope["path"])
        if guarded and not self._allowed(scope):
            if scope["headers"] and b"authorization" in dict(scope["headers"]):  # browsers ask without one first
                AUDIT.record(
                    AuditAction.SIGN_IN,
                    AuditResult.DENIED,
                    UNKNOWN,
                    f"pages of {self._program}",
                    client=client_of(scope),
                )
            challenge = {"www-authenticate": 'Basic realm="nervesys", charset="UTF-8"'}
            refusal = PlainTextResponse("authentication required\n", 401, challenge)
            await refusal(scope, receive, send)
            return
        if guarded:
            scope.setdefault("state", {})[USER] = self._user
        await self._app(scope, receive, send)

    def _is_open(self, path: str) -> bool:
        return is_below(path, self._open)

    def _allowed(self, scope: Scope) -> bool:
        header = dict(scope["headers"]).get(b"authorization", b"")
        kind, _, code = header.partition(b" ")
        try:
            credentials = b64decode(code, validate=True)
        except ValueError:
            return False
        accepted = [f"{self._user}:{password}" for password in valid_values(self._password)]
        return kind.lower() == b"basic" and is_secret(credentials, *accepted)


def serve(app: Starlette, listen: str, web: Web, hosts: Iterable[str] = ()) -> None:
    """Serve until SIGTERM or SIGINT, then return or exit with 0, so that callers can clean up.

    Args:
        app: the application.
        listen: `HOST:PORT`.
        web: TLS files, if configured, and further names of the program.
        hosts: names under which other programs reach this one, beside those of `listen` and `web`.

    Raises:
        SettingsError: the TLS files cannot be used.
        NervesysError: the address cannot be used.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn stops, then raises the signal once more
    freeze_startup_objects()
    with _listening_server(app, listen, web, hosts) as (server, listeners), suppress(KeyboardInterrupt):
        server.run(sockets=listeners)
    if not server.started:
        sys.exit(STARTUP_FAILURE)


def freeze_startup_objects() -> None:
    """Exclude the objects that exist at startup from garbage collection, which would pause the program for 80 ms."""
    gc.collect()
    gc.freeze()


@contextmanager
def serve_in_background(app: Starlette, listen: str, web: Web, hosts: Iterable[str] = ()) -> Iterator[int]:
    """Serve from a thread while the block runs; the arguments are those of `serve`. Yields the port, if it was 0."""
    with _listening_server(app, listen, web, hosts) as (server, listeners):
        thread = Thread(target=server.run, args=(listeners,), daemon=True)
        thread.start()
        while thread.is_alive() and not server.started:
            time.sleep(0.01)
        try:
            yield listeners[0].getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def _listening_server(
    app: Starlette, listen: str, web: Web, hosts: Iterable[str]
) -> Iterator[tuple[BoundedServer, list[socket]]]:
    """A server that does not run yet, and its sockets, which accept connections already."""
    _check_tls(web)
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    connections = Connections(connection_limit(raise_file_limit()))
    allowed = AllowedHosts.of(host, (*web.hosts, *hosts))
    open_paths = getattr(app.state, "open_paths", frozenset({HEALTHY.path}))
    tls = {"ssl_certfile": web.tls_cert_file, "ssl_keyfile": web.tls_key_file}
    server = bounded_server(HostCheck(app, allowed, open_paths), connections, tls)
    listeners = open_listeners(host, int(port), connections)
    log.info("listening at %s, for at most %s connections", web.url_of(listen), connections.limit)
    try:
        yield server, list(listeners)
    finally:
        for listener in listeners:
            listener.close()


def _check_tls(web: Web) -> None:
    """Try to load the TLS certificate and key, so that an error names them.

    Raises:
        SettingsError: they cannot be read, or do not belong together.
    """
    if web.tls_cert_file is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(web.tls_cert_file, web.tls_key_file)
    except OSError as err:  # ssl.SSLError among them
        key = web.tls_key_file or "no key file"
        problem = f"load {web.tls_cert_file} with {key}: {err.strerror or err}"
        raise SettingsError([SettingsProblem(FILE, "web.tls_cert_file", problem)]) from None
