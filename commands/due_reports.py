"""The reports of the daily round: those that are due, if the package `reports` can be imported."""

from collections.abc import Callable


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
