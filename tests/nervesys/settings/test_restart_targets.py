"""Which targets each driver can restart."""

import pytest

from alerting.drivers import Drivers
from nervesys.settings import AgentConfig
from nervesys.settings.restart_targets import TARGETS, find_driver_mistakes, target_problem


@pytest.mark.parametrize(
    ("driver", "target"),
    [
        ("systemd", r"agent-srv\x2dgrok.service"),
        ("systemd", "agent@grok.service"),
        ("supervisor", "agents:grok"),
        ("docker", "compose_grok_1"),
        ("kubernetes", "agent-grok.v2"),
        ("pod", "agents-3"),
        ("command", "grok@web-1"),
    ],
)
def test_names_of_each_kind_are_right(driver: str, target: str) -> None:
    assert target_problem(driver, target) == ""


@pytest.mark.parametrize("driver", sorted(Drivers.model_fields))
@pytest.mark.parametrize("target", ["", "-rf", "../x", "a b", "a;b", "a/b", "a\n", "$HOME", ".hidden", "x" * 300])
def test_no_driver_takes_an_option_a_path_or_a_second_word(driver: str, target: str) -> None:
    assert target_problem(driver, target)


@pytest.mark.parametrize(
    ("driver", "target"),
    [("docker", "a:b"), ("kubernetes", "Grok"), ("pod", "agents_3"), ("supervisor", r"a\x2d"), ("command", r"a\b")],
)
def test_a_name_of_another_kind_is_wrong(driver: str, target: str) -> None:
    assert target_problem(driver, target)


@pytest.mark.parametrize(
    ("restart", "mistake"),
    [
        ({"driver": "superviser"}, "agent.restart.driver: unknown driver 'superviser'; did you mean 'supervisor'?"),
        ({"driver": "docker", "target": "{agent}:1"}, "agent.restart.target: not a container's name or id"),
    ],
)
def test_a_mistake_is_named_with_its_place(restart: dict[str, str], mistake: str) -> None:
    key = mistake.partition(":")[0].rpartition(".")[2]
    agent = AgentConfig.model_validate({"name": "grok", "restart": restart})
    origins = {f"agents.grok.restart.{key}": "config/agents/grok.yaml:7"}
    (found,) = find_driver_mistakes({"grok": agent}, origins, Drivers.model_fields)
    assert str(found).startswith(f"config/agents/grok.yaml:7: {mistake}")


def test_each_form_is_of_a_driver() -> None:
    assert set(TARGETS) <= set(Drivers.model_fields)


def test_without_the_drivers_the_forms_of_targets_are_checked_all_the_same() -> None:
    agents = {
        "grok": AgentConfig.model_validate({"name": "grok", "restart": {"driver": "docker", "target": "a:b"}}),
        "ada": AgentConfig.model_validate({"name": "ada", "restart": {"driver": "superviser"}}),
    }
    assert [each.key for each in find_driver_mistakes(agents, {}, None)] == ["agent.restart.target"]
