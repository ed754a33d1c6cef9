"""Runs every query of every page on a running Prometheus, and compares the results with what is expected."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dashboards.expected_empty import EmptyReason, reason_of
from dashboards.grafana_json import Json
from nervesys.clients.prometheus import QueryFailed
from nervesys.contract.times import seconds_of
from nervesys.queries.dashboard_queries import PanelQuery, queries_of
from nervesys.queries.query_runner import QueryRunner, has_data


class QueryVerdict(StrEnum):
    """Result of a query, compared with what is expected."""

    DATA = "data"
    EMPTY = "empty, as expected"
    UNEXPECTEDLY_EMPTY = "empty"
    UNEXPECTEDLY_FULL = "data, though none is expected"
    FAILED = "failed"

    @property
    def as_expected(self) -> bool:
        """Whether the result is as expected."""
        return self in {QueryVerdict.DATA, QueryVerdict.EMPTY}


@dataclass(frozen=True)
class QueryCheck:
    """A query and its result.

    Attributes:
        detail: the error of Prometheus, or the reason why no data is expected.
    """

    query: PanelQuery
    verdict: QueryVerdict
    detail: str = ""


def check_queries(
    live: QueryRunner, pages: Sequence[Json], expected_empty: Mapping[str, EmptyReason]
) -> Iterator[QueryCheck]:
    """Run all queries of all pages.

    Args:
        live: runs the queries.
        pages: as generated.
        expected_empty: reasons why queries have no data, by page, panel and query.
    """
    holding = {reason for reason in expected_empty.values() if _holds(live, reason)}
    for page in pages:
        span, values = seconds_of(page["time"]["from"]), live.variables(page)
        for query in queries_of(page):
            reason = reason_of(query, expected_empty)
            try:
                found = has_data(live.ask(query, values, span))
            except QueryFailed as err:
                yield QueryCheck(query, QueryVerdict.FAILED, str(err))
            else:
                verdict = _verdict(found, expected_empty=reason is not None, holds=reason in holding)
                yield QueryCheck(query, verdict, reason.text if reason else "")


def _holds(live: QueryRunner, reason: EmptyReason) -> bool:
    return not (reason.unless and has_data(live.prometheus.instant(reason.unless, live.now)))


def _verdict(found: bool, *, expected_empty: bool, holds: bool) -> QueryVerdict:
    if found:
        return QueryVerdict.UNEXPECTEDLY_FULL if holds else QueryVerdict.DATA
    return QueryVerdict.EMPTY if expected_empty else QueryVerdict.UNEXPECTEDLY_EMPTY
