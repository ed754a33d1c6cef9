"""The command line, run within the test."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from commands import main


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `nervesys` with arguments, in a terminal of 80 columns."""

    def command(*argv: str) -> Ran:
        monkeypatch.setattr("sys.argv", ["nervesys", *argv])
        monkeypatch.setenv("COLUMNS", "80")
        with pytest.raises(SystemExit) as caught:
            main()
        said = capsys.readouterr()
        return Ran(int(caught.value.code or 0), said.out, said.err)

    return command
