"""Stopping and starting, of every driver: what it asks for, and that doing it twice is no error."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerting.drivers.instances import DriverInstances
from alerting.drivers.outcome import Cause, Done, Failed
from alerting.drivers.supervisor import SupervisorDriver
from nervesys.clients.supervisor import Supervisor
from tests.alerting.drivers.kit import answering, kubeconfig, made, order, script
from tests.alerting.drivers.supervisord import Supervisord, supervisord

VERBS = ("stop", "start")


@pytest.fixture(scope="module")
def real() -> Iterator[Supervisord]:
    with supervisord() as running:
        yield running


def test_supervisor_stops_and_starts_a_process_and_does_neither_twice(real: Supervisord) -> None:
    driver = SupervisorDriver(url=real.unix_url, servers=("*",), timeout_seconds=3, stop_seconds=1)
    for _ in range(2):
        assert driver.stop(order("grok")) == Done("stopped")
        assert Supervisor(real.unix_url).process("grok").pid == 0
    for _ in range(2):
        assert driver.start(order("grok")) == Done("started")
        assert Supervisor(real.unix_url).process("grok").state in {"STARTING", "RUNNING"}
    assert driver.stop(order("hung")) == Done("it hung and was killed")


@pytest.mark.parametrize("verb", VERBS)
def test_systemctl_does_the_same_to_a_unit(verb: str, tmp_path: Path) -> None:
    program = script(tmp_path, "systemctl", f"printf '%s\\n' \"$@\" > {tmp_path}/asked")
    assert getattr(made("systemd", systemctl=str(program)), verb)(order("grok.service")) == Done("systemctl: done")
    assert (tmp_path / "asked").read_text().splitlines() == ["--no-ask-password", verb, "--", "grok.service"]


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize(("verb", "query", "done"), [("stop", "?t=10", "stopped"), ("start", "", "started")])
def test_docker_is_asked_once_and_304_is_done_already(verb: str, query: str, done: str, status: int) -> None:
    with answering(status) as (url, asked):
        assert getattr(made("docker", url=url), verb)(order("grok")) == Done(done)
    assert asked == [(f"POST /containers/grok/{verb}{query}", b"")]


@pytest.mark.parametrize(("verb", "pods"), [("stop", 0), ("start", 1)])
def test_the_cluster_is_asked_for_so_many_pods(verb: str, pods: int, tmp_path: Path) -> None:
    with answering(200, b"{}") as (url, asked):
        driver = made("kubernetes", namespace="fleet", kubeconfig=str(kubeconfig(tmp_path, url)))
        assert isinstance(getattr(driver, verb)(order("grok")), Done)
    ((request, body),) = asked
    assert request == "PATCH /apis/apps/v1/namespaces/fleet/deployments/grok"
    assert json.loads(body) == {"spec": {"replicas": pods}}


@pytest.mark.parametrize("verb", ["restart", "inspect"])
@pytest.mark.parametrize(("pods", "outcome"), [(0, Failed), (1, Done)])
def test_a_workload_without_pods_cannot_be_restarted(
    verb: str, pods: int, outcome: type[Done | Failed], tmp_path: Path
) -> None:
    with answering(200, json.dumps({"spec": {"replicas": pods}}).encode()) as (url, _):
        driver = made("kubernetes", namespace="fleet", kubeconfig=str(kubeconfig(tmp_path, url)))
        result = getattr(driver, verb)(order("grok"))
    assert type(result) is outcome
    assert ("scaled to 0 pods" in result.detail) == (pods == 0)


@pytest.mark.parametrize("verb", VERBS)
def test_a_command_of_its_own_is_run_or_named_where_it_is_missing(verb: str, tmp_path: Path) -> None:
    program = str(script(tmp_path, "agents", f"printf '%s\\n' \"$@\" > {tmp_path}/asked"))
    driver = made("command", argv=[program, "restart"], **{f"{verb}_argv": [program, verb, "{agent}"]})
    assert getattr(driver, verb)(order()) == Done("agents: done")
    assert (tmp_path / "asked").read_text().splitlines() == [verb, "grok"]
    missing = getattr(made("command", argv=[program]), verb)(order())
    assert isinstance(missing, Failed)
    assert missing.cause is Cause.NOT_ALLOWED
    assert f"has no {verb}_argv" in missing.detail


@pytest.mark.parametrize("verb", VERBS)
def test_of_several_instances_that_of_the_server_does_it(verb: str, tmp_path: Path) -> None:
    program = str(script(tmp_path, "agents", "true"))
    alpha = made("command", argv=[program], **{f"{verb}_argv": [program]}, servers=["alpha.example.org"])
    driver = DriverInstances({"alpha": alpha})
    assert getattr(driver, verb)(order()) == Done("agents: done")
    assert isinstance(getattr(DriverInstances({}), verb)(order()), Failed)


@pytest.mark.parametrize("verb", VERBS)
def test_a_pod_of_a_set_is_left_to_people(verb: str) -> None:
    outcome = getattr(made("pod"), verb)(order("grok"))
    assert isinstance(outcome, Failed)
    assert (outcome.cause, "driver kubernetes" in outcome.detail) == (Cause.NOT_ALLOWED, True)
