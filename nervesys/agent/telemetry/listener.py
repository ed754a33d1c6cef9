"""The OTLP/HTTP listener of an agent, on a loopback port of its own, and the variables that lead programs to it.

Responses follow https://opentelemetry.io/docs/specs/otlp/#otlphttp-response: 400 is never sent again, 429 and 503 are,
after `Retry-After`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from urllib.parse import quote

import orjson
from google.rpc.status_pb2 import Status
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from nervesys.agent.identity import Identity
from nervesys.agent.telemetry.encoding import TOO_LARGE
from nervesys.agent.telemetry.intake import Intake, Refused
from nervesys.agent.telemetry.requests import (
    BODY_BYTES,
    WINDOW_BITS,
    BadRequest,
    Form,
    TooLarge,
    parse_request,
    success,
)
from nervesys.contract.otlp_names import AGENT, LINE_BYTES, Signal
from nervesys.metrics.body import HttpRefused, read_body
from nervesys.metrics.pages import serve_in_background
from nervesys.settings import Web

AT_ONCE = 4
"""Bodies in memory."""
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
RESOURCE = "OTEL_RESOURCE_ATTRIBUTES"
DELAY_MILLISECONDS = "500"
"""Between two exports of a program, of which `kill -9` loses the spans in between; the SDKs' own is 5 s."""
LOOPBACK = "127.0.0.1"


class OtlpEndpoint:
    """Answers requests.

    Args:
        intake: takes what is sent.
    """

    def __init__(self, intake: Intake) -> None:
        self._intake, self._reading = intake, 0

    def application(self) -> Starlette:
        """The pages `/v1/traces`, `/v1/logs` and `/v1/metrics`."""
        routes = [
            Route(f"/v1/{signal.path}", partial(self._answer, signal=signal), methods=["POST"]) for signal in Signal
        ]
        return Starlette(routes=routes)

    async def _answer(self, request: Request, signal: Signal) -> Response:
        form = _form(request)
        try:
            self._intake.check_rate()
            return await self._accept(request, signal, form)
        except Refused as err:
            status = HTTPStatus.TOO_MANY_REQUESTS if err.overload else HTTPStatus.SERVICE_UNAVAILABLE
            return _problem(status, str(err), form, {"retry-after": str(err.seconds)})
        except HttpRefused as err:
            return _problem(err.status, str(err), form)
        except TooLarge as err:
            return _problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(err), form)
        except BadRequest as err:
            return _problem(HTTPStatus.BAD_REQUEST, str(err), form)

    async def _accept(self, request: Request, signal: Signal, form: Form | None) -> Response:
        packing = request.headers.get("content-encoding", "").strip().lower()
        unsupported = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        if form is None:
            raise HttpRefused(unsupported, "content_type", f"use {' or '.join(form.value for form in Form)}")
        if packing not in ("", "identity", *WINDOW_BITS):
            raise HttpRefused(unsupported, "content_encoding", f"use {', '.join(WINDOW_BITS)} or no encoding")
        if self._reading >= AT_ONCE:
            raise Refused(f"{AT_ONCE} requests are being received", 1, overload=True)
        self._reading += 1
        try:
            body = await read_body(request, BODY_BYTES)
            losses = self._intake.accept(signal, parse_request(body, signal, form, packing))
        finally:
            self._reading -= 1
        problem = ", ".join(f"{items} {reason}" for reason, items in sorted(losses.items()))
        problem = problem and f"an item has at most {LINE_BYTES} bytes: {problem}"
        return Response(success(signal, form, losses[TOO_LARGE], problem), media_type=form.value)


def _form(request: Request) -> Form | None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return next((form for form in Form if form.value == kind), None)


def _problem(status: HTTPStatus, why: str, form: Form | None, headers: Mapping[str, str] | None = None) -> Response:
    """A response with google.rpc.Status in the form of the request; plain text where that is unknown."""
    if form is Form.PROTOBUF:
        return Response(Status(message=why).SerializeToString(), status, headers, form.value)
    if form is Form.JSON:
        return Response(orjson.dumps({"message": why}), status, headers, form.value)
    return Response(f"{why}\n", status, headers, "text/plain")


@contextmanager
def listen(intake: Intake) -> Iterator[int]:
    """Listen while the block runs; yields the port.

    Raises:
        NervesysError: no port can be opened.
    """
    with serve_in_background(OtlpEndpoint(intake).application(), f"{LOOPBACK}:0", Web()) as port:
        yield port


def variables(me: Identity, port: int, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment variables by which an instrumented program finds the listener.

    Args:
        me: the agent.
        port: of the listener.
        environ: the program's other variables; those that name it, its resource and its delays are kept.
    """
    own = {"service.instance.id": me.instance_id, "host.name": me.server, AGENT: me.name}
    attributes = ",".join(f"{name}={quote(value)}" for name, value in own.items())
    given = environ.get(RESOURCE, "")
    chosen = {
        ENDPOINT: f"http://{LOOPBACK}:{port}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        RESOURCE: f"{attributes},{given}" if given else attributes,
    }
    defaults = {
        "OTEL_SERVICE_NAME": me.name,
        "OTEL_BSP_SCHEDULE_DELAY": DELAY_MILLISECONDS,
        "OTEL_BLRP_SCHEDULE_DELAY": DELAY_MILLISECONDS,
    }
    return chosen | {name: value for name, value in defaults.items() if name not in environ} | _no_proxy(environ)


def _no_proxy(environ: Mapping[str, str]) -> dict[str, str]:
    """Exempts the listener from a proxy, if there is one."""
    if not any(name.lower() in ("http_proxy", "all_proxy") for name in environ):
        return {}
    given = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    exempt = f"{given},{LOOPBACK}" if given else LOOPBACK
    return {"no_proxy": exempt, "NO_PROXY": exempt}
