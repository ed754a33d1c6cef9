"""Which targets each driver can restart, by their form. Pure; needs neither the drivers nor their packages."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from nervesys.errors import SettingsProblem
from nervesys.settings.agents import AgentConfig
from nervesys.settings.check import suggest

PLACE = "{agent}"
"""Stands for the agent's name in a target."""


class TargetForm(NamedTuple):
    """The form of a driver's targets; each begins with a letter or digit, so none is an option or a path."""

    pattern: str
    meaning: str


ANY = TargetForm(r"[A-Za-z0-9][A-Za-z0-9_.:@-]{0,127}", "a name of letters, digits and _ . : @ -")
"""Of a driver that is not named below."""
TARGETS: Mapping[str, TargetForm] = {
    "docker": TargetForm(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}", "a container's name or id: letters, digits and _ . -"),
    "kubernetes": TargetForm(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", "an object's name: lower case, digits and . -"),
    "pod": TargetForm(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", "a pod's name, or a key of `drivers.pod.pods`"),
    # A unit's name is escaped: systemd-escape writes `-` of a path as \x2d (systemd.unit(5)).
    "systemd": TargetForm(r"[A-Za-z0-9][A-Za-z0-9_.:@\\-]{0,254}", "a unit, such as NAME.service or NAME@INSTANCE"),
}


def target_problem(driver: str, target: str) -> str:
    """Why a driver cannot restart a target; empty where it can, as far as its form shows."""
    form = TARGETS.get(driver, ANY)
    return "" if re.fullmatch(form.pattern, target) else f"not {form.meaning}: {target[:80]!r}"


def find_driver_mistakes(
    agents: Mapping[str, AgentConfig], origins: Mapping[str, str], drivers: Collection[str] | None
) -> Iterator[SettingsProblem]:
    """Mistakes in the drivers and targets of agents.

    Args:
        agents: of the brain, by name.
        origins: file and line by dotted key, as loaded.
        drivers: names of all; None if their packages are not installed, and then the name of a driver is not checked.
    """
    for name, agent in agents.items():
        driver, target = agent.restart.driver, agent.restart.target.replace(PLACE, agent.name)
        if drivers is not None and driver not in drivers:
            yield _mistake(origins, name, "driver", f"unknown driver {driver!r}; {suggest(driver, drivers)}")
        elif problem := target_problem(driver, target):
            yield _mistake(origins, name, "target", problem)


def _mistake(origins: Mapping[str, str], agent: str, key: str, problem: str) -> SettingsProblem:
    where = origins.get(f"agents.{agent}.restart.{key}", f"config/agents/{agent}.yaml")
    return SettingsProblem(where, f"agent.restart.{key}", problem)
