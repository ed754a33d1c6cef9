"""Shared by the commands of the local stack: finds the stack of a home, and connects to its programs."""

import os
from dataclasses import dataclass

from nervesys.clients.prometheus import Prometheus
from nervesys.clients.supervisor import Process, Supervisor, SupervisorUnavailable
from nervesys.settings import Settings, StartupSettings
from nervesys.stack.layout import FILE, NoStack, Stack
from nervesys.stack.remote import remote
from nervesys.stores.open_stores import load_configuration


@dataclass(frozen=True)
class Local:
    """A stack, with the settings of its programs.

    Attributes:
        fleet: names of the agents in the brain that are enabled.
    """

    stack: Stack
    settings: Settings
    fleet: tuple[str, ...] = ()

    @property
    def supervisor(self) -> Supervisor:
        """Client of its supervisor."""
        return Supervisor(f"unix://{self.stack.socket}")

    def processes(self) -> dict[str, Process]:
        """Every process of the stack by name.

        Raises:
            NoStack: it is not running.
        """
        try:
            return self.supervisor.processes() | remote(self.stack)
        except SupervisorUnavailable as err:
            raise NoStack(f"query the stack of {self.stack.home}: it is not running; type: nervesys up") from err

    @property
    def receiver(self) -> str:
        """Address of its receiver."""
        return str(self.stack.service("receiver").address)

    @property
    def prometheus(self) -> Prometheus:
        """Client of its Prometheus."""
        return Prometheus(f"http://{self.stack.service('prometheus').address}", timeout_seconds=5)


def stack_of(home: str | None) -> Stack:
    """The stack of a home.

    Raises:
        NoStack: none was ever started there.
    """
    return Stack.load(StartupSettings.of(os.environ, home).home)


def local(home: str | None) -> Local:
    """The stack of a home, with its settings.

    Raises:
        NoStack: none was ever started there.
        SettingsError: the configuration is wrong, and no commit before it is valid.
        BrainUnavailable: the brain cannot be read.
    """
    stack = stack_of(home)
    os.environ["no_proxy"] = stack.environ["no_proxy"]  # local requests bypass any proxy
    loaded = load_configuration("status", {**os.environ, **stack.environ}, or_earlier=True).loaded
    return Local(stack, loaded.settings, tuple(name for name, agent in loaded.agents.items() if agent.enabled))


def environment(home: str | None) -> dict[str, str]:
    """The environment of this process; with that of the stack's programs, if the home has a stack."""
    place = StartupSettings.of(os.environ, home)
    own = Stack.load(place.home).environ if (place.home / FILE).is_file() else {}
    os.environ.update({key: value for key, value in own.items() if key == "no_proxy"})
    return {**os.environ, **own}
