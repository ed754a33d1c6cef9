"""Who gets past a password or a token: nobody without it, however the request is written."""

import asyncio
import hmac
from base64 import b64encode
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from nervesys.artifacts.tokens import Tokens
from nervesys.metrics import EMPTY
from nervesys.metrics.http_headers import is_secret, user_of
from nervesys.metrics.pages import HttpProgram, application
from nervesys.settings import Web

PASSWORD = "hunter2"


def status_of(path: str, method: str = "GET", *headers: tuple[bytes, bytes]) -> int:
    """The status for a path exactly as it is written here, which clients would normalize."""
    program = HttpProgram(
        "toy",
        "A toy.",
        lambda: EMPTY,
        lambda: None,
        routes=[Route("/api/x", lambda _: PlainTextResponse("x"))],
        self_guarded=frozenset({"/api/"}),
    )
    app = application(program, Web(basic_auth_user="ada", basic_auth_password=SecretStr(PASSWORD)))
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "headers": list(headers)}
    asyncio.run(app({**scope, "query_string": b"", "root_path": "", "scheme": "http"}, receive, send))
    return int(sent[0]["status"])


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "TRACE", "get", "X"])
@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "//metrics",
        "/./metrics",
        "/-/healthy/../../metrics",
        "/-/healthy/",
        "/-/healthy;/metrics",
        "/-/healthy\0",
        "/api",
        "/METRICS",
        "metrics",
        "*",
        "",
    ],
)
def test_no_spelling_of_a_path_gets_past_the_password(path: str, method: str) -> None:
    assert status_of(path, method) == 401


@pytest.mark.parametrize("path", ["/api/../metrics", "/api/%2e%2e/metrics", "/api/..%2fmetrics"])
def test_no_way_leads_from_an_open_path_to_another(path: str) -> None:
    assert status_of(path) == 404


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"Basic",
        b"Basic ",
        b"Bearer " + b64encode(b"ada:hunter2"),
        b"Basic " + b64encode(b"ada:hunter2\n"),
        b"Basic " + b64encode(b"ada:hunter2") + b"=",
        b"Basic " + b64encode(b"ada:"),
        b"Basic " + b64encode(b":hunter2"),
        b"Basic " + b64encode(b"ADA:hunter2"),
        b"Basic " + b64encode(b"ada:hunter"),
        b"Basic \xff\xfe",
        b"Basic " + b"A" * 10000,
    ],
)
def test_no_other_credentials_open_anything(header: bytes) -> None:
    assert status_of("/metrics", "GET", (b"authorization", header)) == 401


def test_the_right_credentials_do() -> None:
    right = b"basic " + b64encode(b"ada:hunter2")
    assert status_of("/metrics", "GET", (b"authorization", right)) == 200


def test_a_user_is_named_only_where_the_password_was_checked() -> None:
    async def who(request: Request) -> PlainTextResponse:
        return PlainTextResponse(user_of(request))

    program = HttpProgram("toy", "A toy.", lambda: EMPTY, lambda: None, [Route("/who", who)])
    checked = Web(basic_auth_user="ada", basic_auth_password=SecretStr(PASSWORD))
    for web, user in ((checked, "user ada"), (Web(), "anonymous")):
        assert TestClient(application(program, web)).get("/who", auth=("ada", PASSWORD)).text == user


def test_secrets_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    compared: list[bytes] = []
    real = hmac.compare_digest

    def compare(first: bytes, second: bytes) -> bool:
        compared.append(first)
        return real(first, second)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    for sent in (b"", b"x", b"hunter1", b"hunter2", b"hunter22"):
        assert is_secret(sent, PASSWORD) is (sent == b"hunter2")
    assert compared == [b"", b"x", b"hunter1", b"hunter2", b"hunter22"]
    (tmp_path / "grok").write_text("a-token-of-this-test")
    assert Tokens(tmp_path, lambda: 0).caller(b"a-token-of-this-test")
    assert len(compared) == 6
