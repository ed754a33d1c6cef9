"""A description of a day by a language model, if one is configured."""

from collections.abc import Callable
from pathlib import Path

from nervesys.analysis import NoModelAnswer, about_day, make_analyst
from nervesys.clock import Clock
from nervesys.contract import DailySummary
from nervesys.redact import Redactor
from nervesys.settings.alibaba import AlibabaCloud

USES = ("daily_summary", "report_generation")
"""Values in `use_for` that enable it: the description is part of the day's report."""

DayDescriber = Callable[[DailySummary, Callable[[str], None]], str | None]
"""Takes a day's summary, and a function for progress messages; returns the description, or None."""


def describe_nothing(_summary: DailySummary, _progress: Callable[[str], None]) -> str | None:
    """Returns no description."""
    return None


def open_describer(settings: AlibabaCloud, memory: Path, clock: Clock) -> DayDescriber:
    """The describer that the settings configure.

    Args:
        settings: config/alibaba.yaml.
        memory: path of the cache of earlier answers and of used tokens.
        clock: of the daily budget of tokens.
    """
    if not settings.used_for(*USES):
        return describe_nothing

    def describe(summary: DailySummary, progress: Callable[[str], None]) -> str | None:
        analyst = make_analyst(settings, memory, Redactor().text, clock)
        assert analyst, "it is enabled"
        try:
            return analyst.write(about_day(summary))
        except NoModelAnswer as err:
            progress(f"no description of {summary.date}: {err}")
            return None
        finally:
            analyst.close()

    return describe
