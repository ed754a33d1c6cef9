"""Progress of a long read of log records, on standard error."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Self, TypeVar

import typer

from commands.console import open_console
from nervesys.logs.budget import ReadBudget
from nervesys.plural import count

if TYPE_CHECKING:
    from rich.status import Status

Item = TypeVar("Item")
STEP_SECONDS = 0.25
"""Between two updates of the line."""


class ReadingProgress:
    """A line that says what was read so far; on a terminal only, and until the first result."""

    def __init__(self) -> None:
        self.budget = ReadBudget(progress=self._update)
        self._console = open_console(stderr=True)
        self._status: Status | None = None
        self._updated = 0.0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status = self._console.status("Listing")
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def first_stops(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items; with the first the line ends, for what follows is progress enough."""
        for item in items:
            if self._status:
                self._status.stop()
                self._status = None
            yield item

    def end(self) -> None:
        """Report what could not be read, and exit with 1 if there is any.

        Raises:
            typer.Exit: an object could not be read.
        """
        for warning in self.budget.warnings:
            typer.echo(warning, err=True)
        if self.budget.unread:
            raise typer.Exit(1)

    def _update(self, budget: ReadBudget) -> None:
        if self._status and budget.seconds - self._updated > STEP_SECONDS:
            self._updated = budget.seconds
            read = f"{count(budget.objects, 'object')}, {budget.bytes / 1e6:.1f} MB, {count(budget.lines, 'record')}"
            self._status.update(f"Read {read}")
