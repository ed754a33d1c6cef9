"""What a driver is."""

from dataclasses import dataclass
from typing import Protocol

from alerting.drivers.outcome import Outcome


@dataclass(frozen=True)
class RestartRequest:
    """What is to be restarted, stopped or started.

    Each part begins with a letter or a digit, so none can be taken for an option or a path.

    Attributes:
        agent: its name.
        server: that it last wrote from; empty where it is not known.
        target: what the driver knows it by, as the agent's file in the brain says.
    """

    agent: str
    server: str
    target: str


class Driver(Protocol):
    """Restarts, stops and starts processes on the servers that it reaches, by its part of the receiver's local file."""

    @property
    def servers(self) -> tuple[str, ...]:
        """The servers that it reaches; `*` stands for every server."""

    def inspect(self, request: RestartRequest) -> Outcome:
        """Check that its server answers and knows the target, without restarting or changing anything.

        `Done.detail` says what was seen; `Failed` and `Retry` are those of a restart.
        """

    def restart(self, request: RestartRequest) -> Outcome:
        """Stop a process, if it runs, and start it; tries once.

        It blocks, but never for longer than its own time limits. Its outcome holds no secret.
        """

    def stop(self, request: RestartRequest) -> Outcome:
        """Stop a process; one that does not run is stopped. As `restart` else."""

    def start(self, request: RestartRequest) -> Outcome:
        """Start a process; one that runs is left alone. As `restart` else."""
