"""The command line, run within the test."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from commands import main


@dataclass(frozen=True)
class CommandResult:
    """How a command ended and what it captured."""

    code: int
    out: str
    err: str


Run = Callable[..., CommandResult]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs `nervesys` with arguments, in a terminal of 80 columns; the umask that it sets ends with the test."""
    umask = os.umask(0o022)
    os.umask(umask)

    def command(*argv: str) -> CommandResult:
        monkeypatch.setattr("sys.argv", ["nervesys", *argv])
        monkeypatch.setenv("COLUMNS", "80")
        with pytest.raises(SystemExit) as caught:
            main()
        captured = capsys.readouterr()
        return CommandResult(int(caught.value.code or 0), captured.out, captured.err)

    yield command
    os.umask(umask)
