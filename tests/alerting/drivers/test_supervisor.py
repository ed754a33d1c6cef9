"""The driver against a real supervisord, and against servers that behave badly."""

import time
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alerting.drivers.outcome import Cause, Done, Failed, Outcome, Retry
from alerting.drivers.supervisor import SupervisorDriver as Driver
from nervesys.clients.supervisor import MAX_RESPONSE_BYTES, Supervisor
from nervesys.settings.rotating_secret import previous_file
from nervesys.settings.rotation import OwnSecret, rotate
from tests.alerting.drivers.kit import answering, order
from tests.alerting.drivers.supervisord import PASSWORD, Supervisord, supervisord


@pytest.fixture(scope="module")
def real() -> Iterator[Supervisord]:
    with supervisord() as running:
        yield running


def driver(url: str, **fields: Any) -> Driver:
    return Driver.model_validate({"url": url, "servers": ["*"], "timeout_seconds": 3, "stop_seconds": 1, **fields})


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        pytest.param("grok", "started", id="one that runs is stopped first"),
        pytest.param("hung", "it hung, was killed and started", id="one that ignores SIGTERM is killed first"),
        pytest.param("asleep", "started", id="one that does not run is started"),
    ],
)
def test_a_process_is_restarted(real: Supervisord, name: str, detail: str) -> None:
    before = Supervisor(real.unix_url).process(name).pid
    assert driver(real.unix_url).restart(order(name)) == Done(detail)
    after = Supervisor(real.unix_url).process(name)
    assert after.state in {"STARTING", "RUNNING"}
    assert after.pid not in (0, before)


def test_it_is_reached_over_http_with_a_password(real: Supervisord) -> None:
    asked = driver(real.http_url, user="operator", password_file=str(real.password_file))
    assert isinstance(asked.restart(order("grok")), Done)


def test_after_a_rotation_the_old_password_is_tried_until_supervisord_knows_the_new_one(
    real: Supervisord, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    asked = driver(real.http_url, user="operator", password_file=str(file))
    rotate(OwnSecret("supervisor", file), time.time(), 600)
    assert isinstance(asked.inspect(order("grok")), Done)
    rotate(OwnSecret("supervisor", file), time.time(), 600)
    assert isinstance(asked.inspect(order("grok")), Done)
    previous_file(file).unlink()
    refused = asked.inspect(order("grok"))
    assert isinstance(refused, Failed)
    assert refused.cause is Cause.NOT_ALLOWED


def fault(name: str) -> bytes:
    return xmlrpc.client.dumps(xmlrpc.client.Fault(10, f"{name}: grok"), methodresponse=True).encode()


@pytest.mark.parametrize(
    ("status", "body", "kind", "cause"),
    [
        pytest.param(200, fault("BAD_NAME"), Failed, Cause.NOT_FOUND, id="no such process"),
        pytest.param(200, fault("NOT_EXECUTABLE"), Failed, Cause.NOT_ALLOWED, id="not executable"),
        pytest.param(200, fault("SHUTDOWN_STATE"), Retry, Cause.REFUSED, id="it is shutting down"),
        pytest.param(401, b"", Failed, Cause.NOT_ALLOWED, id="wrong user"),
        pytest.param(500, b"", Retry, Cause.UNREACHABLE, id="it is broken"),
        pytest.param(200, b"<html>", Retry, Cause.UNREACHABLE, id="no XML"),
        pytest.param(200, b"<html/>", Retry, Cause.UNREACHABLE, id="XML of another kind"),
        pytest.param(200, b" " * (MAX_RESPONSE_BYTES + 1), Retry, Cause.UNREACHABLE, id="an endless answer"),
    ],
)
def test_each_failure_has_its_cause(status: int, body: bytes, kind: type[Outcome], cause: Cause) -> None:
    with answering(status, body) as (url, _):
        outcome = driver(url).restart(order("grok"))
    assert isinstance(outcome, Failed | Retry)
    assert (type(outcome), outcome.cause) == (kind, cause)


def test_a_wrong_password_is_not_tried_again_and_not_shown(real: Supervisord, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{PASSWORD}-wrong")
    outcome = driver(real.http_url, user="operator", password_file=str(tmp_path / "password")).restart(order("grok"))
    assert isinstance(outcome, Failed)
    assert outcome.cause is Cause.NOT_ALLOWED
    assert PASSWORD not in str(outcome)


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        pytest.param("nobody", Cause.NOT_FOUND, id="an unknown process"),
        pytest.param("broken", Cause.NOT_FOUND, id="a program that is not there"),
        pytest.param("gro\nk/../'\"", Cause.NOT_FOUND, id="an odd name"),
    ],
)
def test_permanent_failures_are_reported_as_such(real: Supervisord, name: str, cause: Cause) -> None:
    outcome = driver(real.unix_url).restart(order(name))
    assert isinstance(outcome, Failed)
    assert outcome.cause is cause
