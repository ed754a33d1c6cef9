"""Several instances of one driver in the receiver's local file."""

from collections.abc import Mapping

import pytest

from alerting.actions import restart_agent
from alerting.drivers import Drivers, RestartRequest
from alerting.drivers.instances import DriverInstances
from alerting.drivers.outcome import Cause, Done, Failed
from alerting.drivers.supervisor import SupervisorDriver
from nervesys.clients.supervisor import Supervisor
from nervesys.settings import AgentConfig
from nervesys.settings.check import check
from tests.alerting.drivers.supervisord import supervisord

NOWHERE = "unix:///nonexistent.sock"


def made(instances: Mapping[str, Mapping[str, object]]) -> DriverInstances:
    drivers = Drivers.model_validate({"supervisor": instances}).configured()
    assert isinstance(drivers["supervisor"], DriverInstances)
    return drivers["supervisor"]


def problems(section: object) -> list[tuple[str, str]]:
    found, wrong = check(Drivers, {"supervisor": section})
    assert found is None
    return [(".".join(path), message) for path, message in wrong]


def test_one_instance_stays_as_short_as_it_was() -> None:
    driver = Drivers.model_validate({"supervisor": {"url": NOWHERE, "servers": ["web-1"]}}).supervisor
    assert isinstance(driver, SupervisorDriver)
    assert driver.servers == ("web-1",)


def test_an_instance_is_named_after_its_server_unless_it_names_some() -> None:
    assert made({"web-1": {"url": NOWHERE}, "rest": {"url": NOWHERE, "servers": ["a", "b"]}}).servers == (
        "web-1",
        "a",
        "b",
    )


def test_each_server_has_its_own_supervisor() -> None:
    config = AgentConfig.model_validate({"name": "grok", "restart": {"driver": "supervisor"}})
    with supervisord() as first, supervisord() as second:
        drivers = {"supervisor": made({"web-1": {"url": first.unix_url}, "web-2": {"url": second.unix_url}})}
        before = [Supervisor(server.unix_url).process("grok").pid for server in (first, second)]
        assert restart_agent.unreachable(drivers, config, "web-2") == ""
        assert isinstance(restart_agent.inspect(drivers, config, "web-2"), Done)
        assert restart_agent.attempt(drivers, config, "web-2") == Done("started")
        after = [Supervisor(server.unix_url).process("grok").pid for server in (first, second)]
    assert after[0] == before[0]
    assert after[1] != before[1]
    assert restart_agent.unreachable(drivers, config, "web-3") == "driver supervisor does not reach server web-3"


def test_the_instance_for_every_server_takes_what_no_other_names() -> None:
    both = made({"web-1": {"url": NOWHERE}, "rest": {"url": NOWHERE, "servers": ["*"]}})
    assert both._find("web-1") is both.instances["web-1"]
    assert both._find("web-9") is both.instances["rest"]
    outcome = made({"web-1": {"url": NOWHERE}}).restart(RestartRequest("grok", "", "grok"))
    assert isinstance(outcome, Failed)
    assert outcome.cause is Cause.BAD_TARGET


@pytest.mark.parametrize(
    ("section", "found"),
    [
        pytest.param(
            {"a": {"url": NOWHERE}, "b": {"url": NOWHERE, "servers": ["a"]}},
            ("supervisor", "two instances reach a"),
            id="one server twice",
        ),
        pytest.param(
            {"web-1": {"uri": NOWHERE, "url": NOWHERE}},
            ("supervisor.web-1.uri", "unknown key; did you mean 'url'?"),
            id="a misspelt key of an instance",
        ),
        pytest.param(
            {"url": NOWHERE, "server": ["a"], "servers": ["a"]},
            ("supervisor.server", "unknown key; did you mean 'servers'?"),
            id="a misspelt key of the only one",
        ),
        pytest.param({"two words": {"url": NOWHERE}}, ("supervisor.two words.servers", ""), id="no server's name"),
    ],
)
def test_a_mistake_is_named_with_its_path(section: object, found: tuple[str, str]) -> None:
    [(path, message)] = problems(section)
    assert path == found[0]
    assert found[1] in message


def test_what_is_no_mapping_is_refused() -> None:
    assert [path for path, _ in problems([])] == ["supervisor"]
