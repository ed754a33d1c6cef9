"""What a driver is."""

from typing import Protocol

from alerting.actions.outcome import Outcome


class Driver(Protocol):
    """Restarts processes on the servers that it reaches."""

    @property
    def servers(self) -> tuple[str, ...]:
        """The servers that it reaches; `*` stands for every server."""

    def restart(self, target: str) -> Outcome:
        """Stop a process, if it runs, and start it; tries once.

        It blocks, but never for longer than its own time limits. What it says holds no secret.

        Args:
            target: the process' name, of a form that cannot be mistaken for anything else.
        """
