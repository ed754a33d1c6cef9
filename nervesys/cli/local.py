"""What the commands about the local stack share: the stack of a home, and how its programs are asked."""

import os
from dataclasses import dataclass

from nervesys.prometheus import Prometheus
from nervesys.settings import Place, Settings
from nervesys.stack.layout import FILE, NoStack, Stack
from nervesys.stores.opened import opened
from nervesys.supervisor import Process, Supervisor, SupervisorUnavailable


@dataclass(frozen=True)
class Local:
    """A stack that was started once, and the settings that its programs have."""

    stack: Stack
    settings: Settings

    @property
    def supervisor(self) -> Supervisor:
        """Its supervisor."""
        return Supervisor(f"unix://{self.stack.socket}")

    def processes(self) -> dict[str, Process]:
        """Every process of the stack by name.

        Raises:
            NoStack: none runs.
        """
        try:
            return self.supervisor.processes()
        except SupervisorUnavailable as err:
            raise NoStack(f"ask the stack of {self.stack.home}: it does not run; type: nervesys up") from err

    @property
    def receiver(self) -> str:
        """Where its receiver listens."""
        return str(self.stack.service("receiver").address)

    @property
    def prometheus(self) -> Prometheus:
        """Its Prometheus."""
        return Prometheus(f"http://{self.stack.service('prometheus').address}", timeout_seconds=5)


def stack_of(home: str | None) -> Stack:
    """The stack of a home.

    Raises:
        NoStack: none was ever started there.
    """
    return Stack.load(Place.of(os.environ, home).home)


def local(home: str | None) -> Local:
    """The stack of a home, with its settings.

    Raises:
        NoStack: none was ever started there.
        SettingsError: the configuration is wrong.
        BrainUnavailable: the brain cannot be read.
    """
    stack = stack_of(home)
    os.environ["no_proxy"] = stack.environ["no_proxy"]  # what is asked of this machine goes through no proxy
    return Local(stack, opened("status", {**os.environ, **stack.environ}).loaded.settings)


def environment(home: str | None) -> dict[str, str]:
    """This environment; and where a stack was started from the home, what all its programs are told."""
    place = Place.of(os.environ, home)
    own = Stack.load(place.home).environ if (place.home / FILE).is_file() else {}
    os.environ.update({key: value for key, value in own.items() if key == "no_proxy"})
    return {**os.environ, **own}
