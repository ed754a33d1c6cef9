"""What the daily round makes of reports: those that are due, by the wing that makes them, where it is installed."""

from collections.abc import Callable


def reports_due(
    say: Callable[[str], None], *, home: str | None = None, brain: str | None = None, archive: str | None = None
) -> None:
    """Make the reports that are due, unless the settings leave that to others.

    Args:
        say: takes each step.
        home: see `nervesys.stores.opened.opened`.
        brain: likewise.
        archive: likewise.

    Raises:
        NervesysError: something does not answer; the next round makes what is missing.
    """
    try:
        from nervesys.cli.report import make_due  # the extra of agents need not hold what draws and typesets
    except ModuleNotFoundError as err:
        say(f"reports are left to others: they need {err.name}: pip install 'nervesys-observability[reports]'")
        return
    make_due(say, home=home, brain=brain, archive=archive)
