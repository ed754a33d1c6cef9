"""The brain's daily summaries as units of history."""

from collections.abc import Iterator
from datetime import timedelta

from exporters.history.plan import HistoryUnit
from nervesys.contract.brain import DAILY_SUMMARY
from nervesys.contract.paths import parse_date
from nervesys.stores.brain import GitBrain

SUMMARY_BYTES = 1 << 20
INSTANCE = "brain"


def summary_units(brain: GitBrain) -> Iterator[HistoryUnit]:
    """Each summary, on the day after its own: then it was the newest, and exporters showed it.

    Args:
        brain: is fetched first.

    Raises:
        BrainUnavailable: it cannot be fetched or read.
        BadObject: a summary is too large to be one.
    """
    brain.fetch()
    folder = DAILY_SUMMARY.prefix()
    for branch in dict.fromkeys((brain.branch, brain.state_branch)):
        tree = brain.tree(branch)
        for name, version in (tree.versions(folder.rstrip("/")) if tree else {}).items():
            day = parse_date((DAILY_SUMMARY.parse(folder + name) or {}).get("date", ""))
            body = tree.read(folder + name, max_bytes=SUMMARY_BYTES) if tree and day else None
            if day and body is not None:
                shown = day + timedelta(days=1)
                yield HistoryUnit(f"summary/{day}", shown, folder + name, version, len(body), INSTANCE, body)
