"""What a language model makes of a day, in words, where one is configured."""

from collections.abc import Callable
from pathlib import Path

from nervesys.analysis import NoModelAnswer, about_day, analyst_of
from nervesys.clock import Clock
from nervesys.contract import DailySummary
from nervesys.redact import Redactor
from nervesys.settings.alibaba import AlibabaCloud

USE = "daily_summary"
"""In `use_for`, for an analyst that describes days."""

Words = Callable[[DailySummary, Callable[[str], None]], str | None]
"""Takes a day's sums, and whoever is told why there are no words; returns them, or None."""


def no_words(_summary: DailySummary, _say: Callable[[str], None]) -> str | None:
    """For who asks no model."""
    return None


def words_of(settings: AlibabaCloud, memory: Path, clock: Clock) -> Words:
    """Asks the model that the settings describe; where they describe none, there are no words.

    Args:
        settings: config/alibaba.yaml.
        memory: the file of what was said before.
        clock: of budgets.
    """
    if not settings.enabled or USE not in settings.use_for:
        return no_words

    def words(summary: DailySummary, say: Callable[[str], None]) -> str | None:
        analyst = analyst_of(settings, memory, Redactor().text, clock)
        assert analyst, "it is enabled"
        try:
            return analyst.write(about_day(summary))
        except NoModelAnswer as err:
            say(f"no words about {summary.date}: {err}")
            return None
        finally:
            analyst.close()

    return words
