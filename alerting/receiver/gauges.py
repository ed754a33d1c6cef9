"""The metrics that are read from the journal at each scrape."""

from collections.abc import Iterable, Iterator

from alerting.journal import OPEN_STATES, Journal, view
from alerting.model import AUTO_ACTIONS
from alerting.receiver.metrics import JOURNALLED, OLDEST_PENDING, OPEN, PENDING
from nervesys.metrics import Fragments, Sample, Snapshot


def journalled(journal: Journal, agents: Iterable[str]) -> Snapshot:
    """What waits and what is open, every configured agent at 0 from the start.

    Raises:
        JournalUnavailable: it cannot be read.
    """
    with journal.transaction() as connection:
        counts = view.open_counts(connection)
        waiting, oldest = view.pending(connection)
    fragments = Fragments(JOURNALLED)
    fragments.put("journal", _samples(counts, waiting, oldest, agents))
    return fragments.snapshot()


def _samples(
    counts: list[tuple[str, str, str, int]], waiting: int, oldest: float | None, agents: Iterable[str]
) -> Iterator[Sample]:
    values = {(agent, action, state.value): 0 for agent in agents for action in AUTO_ACTIONS for state in OPEN_STATES}
    for agent, action, state, count in counts:
        values[agent, action, state] = count
    for labels, value in values.items():
        yield OPEN.sample(value, *labels)
    yield PENDING.sample(waiting)
    if oldest is not None:
        yield OLDEST_PENDING.sample(oldest)
