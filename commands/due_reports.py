"""The reports of the daily round: those that are due, if the package `reports` can be imported."""

import json
import subprocess
import sys
from collections.abc import Callable

from nervesys.errors import NervesysError

TIMEOUT_SECONDS = 3600
CHILD = "import sys; from commands.due_reports import run_as_child; run_as_child(sys.argv[1])"


def list_due_reports(*, home: str | None = None, brain: str | None = None, archive: str | None = None) -> list[str]:
    """The names of the reports that are due; the arguments are those of `write_due_reports`.

    Raises:
        NervesysError: the archive is unavailable.
    """
    try:
        from commands.report import list_due  # the extra `agent` does not include the packages for drawing
    except ModuleNotFoundError:
        return []
    return list_due(home=home, brain=brain, archive=archive)


def write_due_reports(
    say: Callable[[str], None], *, home: str | None = None, brain: str | None = None, archive: str | None = None
) -> None:
    """Write the reports that are due, unless `by_round` is off.

    Args:
        say: is called with each step.
        home: see `nervesys.stores.open_stores.load_configuration`.
        brain: likewise.
        archive: likewise.

    Raises:
        NervesysError: something is unavailable; the next round writes what is missing.
    """
    try:
        from commands.report import make_due  # the extra `agent` does not include the packages for drawing
    except ModuleNotFoundError as err:
        say(f"reports skipped: they need {err.name}: pip install 'nervesys-observability[reports]'")
        return
    make_due(say, home=home, brain=brain, archive=archive)


def write_due_reports_apart(
    say: Callable[[str], None], *, home: str | None = None, brain: str | None = None, archive: str | None = None
) -> None:
    """As `write_due_reports`, in a process of its own: what drawing takes, 25 MB, is free again afterwards.

    Raises:
        NervesysError: they could not be written, or not within an hour.
    """
    where = json.dumps({"home": home, "brain": brain, "archive": archive})
    try:
        ran = subprocess.run(
            [sys.executable, "-c", CHILD, where], capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise NervesysError(f"write reports: not finished after {TIMEOUT_SECONDS} s") from None
    for line in ran.stdout.splitlines():
        say(line)
    if ran.returncode:
        lines = ran.stderr.strip().splitlines() or [f"write reports: exit code {ran.returncode}"]
        raise NervesysError(lines[-1])


def run_as_child(where: str) -> None:
    """What the process of its own does: steps on standard output, the reason of a failure on standard error."""
    try:
        write_due_reports(print, **json.loads(where))
    except NervesysError as err:
        sys.exit(" ".join(str(err).split()))
