"""Names of labels and their values, streams and sizes: from listings only, no record is read."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nervesys.contract import Category, Level
from nervesys.contract.times import DAY_SECONDS
from nervesys.logs.budget import ReadBudget
from nervesys.logs.logql.engine import narrowed
from nervesys.logs.logql.expressions import LogSelector
from nervesys.logs.logql.pipeline import STREAM_LABELS
from nervesys.logs.query import LogQuery
from nervesys.logs.reader import LogReader
from nervesys.logs.segments import LogSegment

KeyLabels = tuple[tuple[str, str], ...]
"""The labels that the key of an object or file names."""


@dataclass(frozen=True)
class LogCatalogue:
    """What there is.

    Attributes:
        reader: lists store and archive.
        agents: those that the brain configures.
    """

    reader: LogReader
    agents: Sequence[str]

    def values(self, label: str, start: float, end: float, budget: ReadBudget) -> list[str]:
        """The values of a label; agents of the last day only, beside those of the brain, for that costs few listings.

        Raises:
            StoreUnavailable: the store does not answer.
            ArchiveUnavailable: the archive does not answer.
        """
        match label:
            case "level":
                return sorted(level.lower() for level in Level)
            case "category":
                return sorted(category.value for category in Category)
            case "server":
                return sorted(self.reader.servers(LogQuery(start, end), budget))
            case "agent":
                last_day = LogQuery(max(start, end - DAY_SECONDS), end)
                found = (segment.agent for segment in self.reader.segments(last_day, budget))
                return sorted({*self.agents, *filter(None, found)})
        return []

    def segments(
        self, selectors: Iterable[LogSelector], start: float, end: float, budget: ReadBudget
    ) -> list[LogSegment]:
        """What the selectors' records lie in, each once.

        Raises:
            LogqlError: a regular expression is wrong.
            StoreUnavailable: the store does not answer.
            ArchiveUnavailable: the archive does not answer.
        """
        queries = filter(None, (narrowed(selector.matchers, start, end) for selector in selectors))
        found = {s.key: s for query in queries for s in self.reader.segments(query, budget)}
        return list(found.values())


def key_labels(segment: LogSegment, wanted: Iterable[str] = STREAM_LABELS) -> KeyLabels:
    """The labels that a segment's key names; a file of the archive is of all agents, and names none."""
    named = {"agent": segment.agent, "server": segment.server, "category": segment.category}
    return tuple((label, value) for label in wanted if (value := named.get(label)))


def sizes(segments: Iterable[LogSegment], wanted: Iterable[str]) -> Counter[KeyLabels]:
    """Packed bytes by labels."""
    wanted, found = tuple(wanted), Counter[KeyLabels]()
    for segment in segments:
        found[key_labels(segment, wanted)] += segment.size
    return found
