"""Which host names a program answers to."""

import socket

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from nervesys.metrics import EMPTY
from nervesys.metrics.host_check import AllowedHosts, HostCheck
from nervesys.metrics.pages import HttpProgram, application
from nervesys.settings import Web, load

LOCAL, EVERYWHERE = "127.0.0.1", "0.0.0.0"
OURS = ("nervesys.example", "receiver")


def app() -> Starlette:
    program = HttpProgram("toy", "A toy.", lambda: EMPTY, lambda: None, self_guarded=frozenset({"/api/"}))
    return application(program, Web())


@pytest.mark.parametrize(
    ("listen", "header", "allowed"),
    [
        (LOCAL, "127.0.0.1:17010", True),
        (LOCAL, "localhost:17010", True),
        (LOCAL, "LOCALHOST.", True),
        (LOCAL, "[::1]:17010", True),
        (LOCAL, "nervesys.example", True),
        (LOCAL, "receiver:17010", True),
        (LOCAL, "", True),
        (LOCAL, "evil.example:17010", False),
        (LOCAL, "127.0.0.1.evil.example", False),
        (LOCAL, "localhost.evil.example", False),
        (LOCAL, "evil.example:127.0.0.1", False),
        (LOCAL, "user@127.0.0.1", False),
        (LOCAL, "10.1.2.3:17010", False),
        ("10.1.2.3", "10.1.2.3:17010", True),
        ("monitor", "monitor:17010", True),
        (EVERYWHERE, "10.1.2.3:17010", True),
        (EVERYWHERE, "[fd00::1]:17010", True),
        (EVERYWHERE, f"{socket.gethostname()}:17010", True),
        (EVERYWHERE, "evil.example", False),
        (EVERYWHERE, "10.1.2.3.evil.example", False),
    ],
)
def test_only_own_names_are_answered(listen: str, header: str, allowed: bool) -> None:
    assert AllowedHosts.of(listen, OURS).allow(header) is allowed
    client = TestClient(HostCheck(app(), AllowedHosts.of(listen, OURS), app().state.open_paths))
    assert client.get("/metrics", headers={"host": header}).status_code == (200 if allowed else 421)


def test_a_star_allows_every_name() -> None:
    assert AllowedHosts.of(LOCAL, ["*"]).allow("evil.example")


def test_health_and_what_asks_for_a_token_are_answered_under_every_name() -> None:
    client = TestClient(HostCheck(app(), AllowedHosts.of(LOCAL, ()), app().state.open_paths))
    statuses = [client.get(path, headers={"host": "x.example"}).status_code for path in ("/-/healthy", "/api/x", "/")]
    assert statuses == [200, 404, 421]


def test_the_refusal_names_the_setting_and_repeats_nothing() -> None:
    client = TestClient(HostCheck(app(), AllowedHosts.of(LOCAL, ()), frozenset()))
    response = client.get("/", headers={"host": "<script>.example"})
    assert "web.hosts" in response.text
    assert "script" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"


def test_names_come_from_the_configuration() -> None:
    monitoring = load(profile="local,compose").settings.monitoring
    assert {"receiver", "artifacts", "page", "store-exporter", "127.0.0.1"} <= monitoring.hosts
    urls = {"receiver_url": "https://alerts.example/receiver/", "page_url": "https://pages.example"}
    assert {"alerts.example", "pages.example"} <= monitoring.model_copy(update=urls).hosts


@pytest.mark.parametrize("name", ["https://a.example", "a.example:80", "a b", "", "a/b"])
def test_a_host_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="host name"):
        Web.model_validate({"hosts": [name]})
