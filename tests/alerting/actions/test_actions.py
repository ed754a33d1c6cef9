"""The interface that every action implements.

Covers: alerting.actions.restart_agent, alerting.actions.start_agent, alerting.actions.stop_agent.
"""

from importlib import import_module
from pathlib import Path

import pytest

import alerting.actions
import alerting.drivers
from alerting.actions import ACTIONS, REMEDIES, restart_agent
from alerting.drivers import Drivers, RestartRequest
from alerting.drivers.outcome import Cause, Done, Failed, Outcome
from alerting.drivers.supervisor import SupervisorDriver
from nervesys.settings import AgentConfig


def modules(package: Path, shared: set[str]) -> set[str]:
    return {file.stem for file in package.glob("*.py")} - {"__init__"} - shared


def test_the_lists_name_every_file() -> None:
    assert modules(Path(alerting.actions.__file__).parent, {"remedy"}) == set(ACTIONS)
    drivers = modules(
        Path(alerting.drivers.__file__).parent,
        {"driver", "fields", "instances", "outcome", "process", "shortage"},
    )
    assert drivers == set(Drivers.model_fields)


@pytest.mark.parametrize("action", REMEDIES)
def test_what_alerts_may_name_is_the_module_of_that_name(action: str) -> None:
    assert REMEDIES[action] is import_module(f"alerting.actions.{action}")


def test_only_configured_drivers_are_made() -> None:
    assert Drivers().configured() == {}
    made = Drivers(supervisor=SupervisorDriver(url="unix:///run/s.sock", servers=("alpha",))).configured()
    assert {name: driver.servers for name, driver in made.items()} == {"supervisor": ("alpha",)}


class Recording:
    servers: tuple[str, ...] = ("alpha", "beta.example.org")

    def __init__(self) -> None:
        self.asked: list[RestartRequest] = []

    def restart(self, order: RestartRequest) -> Outcome:
        self.asked.append(order)
        return Done()

    stop = start = restart

    def inspect(self, request: RestartRequest) -> Outcome:
        return Done(f"{request.target} is known")


def config(name: str = "grok", **restart: str) -> AgentConfig:
    return AgentConfig.model_validate({"name": name, "restart": restart})


@pytest.mark.parametrize(
    ("target", "asked"),
    [
        pytest.param("{agent}", ["grok"], id="the agent's own name"),
        pytest.param("agents:{agent}_00", ["agents:grok_00"], id="a process of a group"),
        pytest.param("{agent} ; rm -rf /", [], id="a command"),
        pytest.param("../{agent}", [], id="a path"),
        pytest.param("{agent}\n", [], id="a newline"),
        pytest.param("*", [], id="everything"),
        pytest.param("", [], id="nothing"),
        pytest.param("x" * 129, [], id="a name without end"),
    ],
)
def test_only_names_reach_a_driver(target: str, asked: list[str]) -> None:
    driver = Recording()
    outcome = restart_agent.attempt({"supervisor": driver}, config(target=target), "alpha")
    assert driver.asked == [RestartRequest("grok", "alpha", name) for name in asked]
    assert asked or (isinstance(outcome, Failed) and outcome.cause is Cause.BAD_TARGET)


def test_the_server_that_the_brain_pins_wins_over_the_one_that_the_agent_claims() -> None:
    driver = Recording()
    pinned = config().model_copy(update={"server": "beta.example.org"})
    restart_agent.attempt({"supervisor": driver}, pinned, "evil")
    assert driver.asked == [RestartRequest("grok", "beta.example.org", "grok")]


@pytest.mark.parametrize(
    ("agent", "server", "reached"),
    [
        pytest.param(config().model_copy(update={"server": "gamma"}), "beta.example.org", False, id="pinned elsewhere"),
        pytest.param(
            config().model_copy(update={"server": "beta.example.org"}), "gamma", True, id="pinned to one of its"
        ),
        pytest.param(config(), "beta.example.org", True, id="a server of its driver"),
        pytest.param(config(), "gamma", False, id="another server"),
        pytest.param(config(), "", False, id="a server that nobody knows"),
        pytest.param(config(driver="systemd"), "alpha", False, id="a driver that this receiver does not have"),
    ],
)
def test_where_an_agent_can_be_restarted(agent: AgentConfig, server: str, reached: bool) -> None:
    assert (restart_agent.unreachable({"supervisor": Recording()}, agent, server) == "") is reached
