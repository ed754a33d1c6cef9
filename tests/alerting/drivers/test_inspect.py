"""Each driver says whether its server answers and knows the target, and restarts nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from alerting.actions.restart_agent import inspect
from alerting.drivers import Drivers
from alerting.drivers.outcome import Cause, Done, Failed, Retry
from nervesys.settings import AgentConfig
from tests.alerting.drivers.kit import answering, kubeconfig, order
from tests.alerting.drivers.supervisord import supervisord


def drivers(**fields: Any) -> Drivers:
    return Drivers.model_validate({name: {"servers": ["*"], **of_driver} for name, of_driver in fields.items()})


def script(folder: Path, text: str) -> str:
    file = folder / "program"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return str(file)


def test_supervisor_names_the_state_of_the_process_and_leaves_it_alone() -> None:
    with supervisord() as real:
        driver = drivers(supervisor={"url": real.unix_url}).supervisor
        assert driver is not None
        assert driver.inspect(order("grok")) == Done("supervisor: running")
        unknown = driver.inspect(order("nobody"))
        assert isinstance(unknown, Failed)
        assert unknown.cause is Cause.NOT_FOUND
    away = driver.inspect(order("grok"))
    assert isinstance(away, Retry)
    assert away.cause is Cause.UNREACHABLE


def test_kubernetes_tries_the_very_request_of_a_restart_as_a_dry_run(tmp_path: Path) -> None:
    with answering(200, b"{}") as (url, asked):
        driver = drivers(kubernetes={"namespace": "fleet", "kubeconfig": str(kubeconfig(tmp_path, url))}).kubernetes
        assert driver is not None
        assert driver.inspect(order()) == Done("the cluster accepts a restart")
        driver.restart(order())
    assert [path for path, _ in asked] == [
        "PATCH /apis/apps/v1/namespaces/fleet/deployments/grok?dryRun=All",
        "PATCH /apis/apps/v1/namespaces/fleet/deployments/grok",
    ]
    assert json.loads(asked[0][1]).keys() == json.loads(asked[1][1]).keys()


@pytest.mark.parametrize(
    ("status", "cause"), [(200, None), (404, Cause.NOT_FOUND), (403, Cause.NOT_ALLOWED), (500, Cause.REFUSED)]
)
def test_docker_is_asked_for_the_container(status: int, cause: Cause | None) -> None:
    with answering(status, b"{}") as (url, asked):
        driver = drivers(docker={"url": url}).docker
        assert driver is not None
        outcome = driver.inspect(order())
    assert getattr(outcome, "cause", None) is cause
    assert asked[0][0] == "GET /containers/grok/json"


@pytest.mark.parametrize(("state", "known"), [("loaded", True), ("not-found", False), ("masked", False), ("", False)])
def test_systemd_is_asked_whether_the_unit_is_loaded(tmp_path: Path, state: str, known: bool) -> None:
    argv = tmp_path / "argv"
    driver = drivers(systemd={"systemctl": script(tmp_path, f'echo "$@" > {argv}; echo {state}')}).systemd
    assert driver is not None
    assert isinstance(driver.inspect(order()), Done) is known
    assert argv.read_text() == "--no-ask-password show --property=LoadState --value -- grok\n"


def test_a_program_is_looked_at_and_not_run(tmp_path: Path) -> None:
    program = script(tmp_path, f"touch {tmp_path}/ran")
    agent = AgentConfig.model_validate({"name": "grok", "restart": {"driver": "command"}})

    def causes() -> Cause | None:
        found = inspect(drivers(command={"argv": [program, "{target}"]}).configured(), agent, "alpha")
        return getattr(found, "cause", None)

    assert causes() is None
    Path(program).chmod(0o600)
    assert causes() is Cause.NOT_ALLOWED
    Path(program).unlink()
    assert causes() is Cause.NOT_FOUND
    assert not (tmp_path / "ran").exists()
