"""Asks a running Prometheus every query of every page, and judges what comes of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dashboards.expected_empty import EmptyReason
from dashboards.grafana_json import Json
from nervesys.clients.prometheus import QueryFailed
from nervesys.queries.asking import QueryRunner, has_data
from nervesys.queries.reading import PanelQuery, queries_of
from nervesys.queries.variables import seconds_of


class QueryVerdict(StrEnum):
    """What came of a question."""

    DATA = "data"
    EMPTY = "empty, as expected"
    UNEXPECTEDLY_EMPTY = "empty"
    UNEXPECTEDLY_FULL = "data, though none is expected"
    FAILED = "failed"

    @property
    def as_expected(self) -> bool:
        """Whether it is as it should be."""
        return self in {QueryVerdict.DATA, QueryVerdict.EMPTY}


@dataclass(frozen=True)
class QueryCheck:
    """A question and what came of it.

    Attributes:
        detail: Prometheus' words where it failed, the reason where nothing is expected.
    """

    question: PanelQuery
    verdict: QueryVerdict
    detail: str = ""


def check_queries(
    live: QueryRunner, pages: Sequence[Json], expected_empty: Mapping[str, EmptyReason]
) -> Iterator[QueryCheck]:
    """Ask everything.

    Args:
        live: whom.
        pages: as generated.
        expected_empty: by question, as its text, the reason why it has no answer.
    """
    holding = {reason for reason in expected_empty.values() if _holds(live, reason)}
    for page in pages:
        span, values = seconds_of(page["time"]["from"]), live.variables(page)
        for question in queries_of(page):
            reason = expected_empty.get(str(question))
            try:
                found = has_data(live.ask(question, values, span))
            except QueryFailed as err:
                yield QueryCheck(question, QueryVerdict.FAILED, str(err))
            else:
                verdict = _verdict(found, expected_empty=reason is not None, holds=reason in holding)
                yield QueryCheck(question, verdict, reason.text if reason else "")


def _holds(live: QueryRunner, reason: EmptyReason) -> bool:
    return not (reason.unless and has_data(live.prometheus.instant(reason.unless, live.now)))


def _verdict(found: bool, *, expected_empty: bool, holds: bool) -> QueryVerdict:
    if found:
        return QueryVerdict.UNEXPECTEDLY_FULL if holds else QueryVerdict.DATA
    return QueryVerdict.EMPTY if expected_empty else QueryVerdict.UNEXPECTEDLY_EMPTY
