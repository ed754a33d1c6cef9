from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import monotonic

import pytest

from dashboards.grafana_json import Json
from nervesys.clients.prometheus import QueryFailed, Series
from reports.run_queries import PendingQuery, annotations_in, series_name

ACTIONS: Json = {"titleFormat": "{{action}} {{agent}}", "iconColor": "purple"}
CHANGES: Json = {"titleFormat": "{{file}} changed", "iconColor": "blue", "useValueForTime": True}


@pytest.mark.parametrize(
    ("labels", "legend", "name"),
    [
        ({"agent": "grok"}, "{{agent}}", "grok"),
        ({"agent": "grok"}, "{{ agent }}: {{area}}", "grok: "),
        ({"__name__": "up", "job": "a", "instance": "b"}, "", "instance=b, job=a"),
        ({}, "", ""),
    ],
)
def test_a_series_is_called_by_its_legend(labels: dict[str, str], legend: str, name: str) -> None:
    assert series_name(labels, legend) == name


def test_a_run_of_points_is_an_annotation() -> None:
    series = Series({"action": "restart", "agent": "grok"}, ((10, 1), (20, 1), (30, 2), (70, 1), (90, 1)))
    assert [(mark.at, mark.title) for mark in annotations_in(ACTIONS, [series], 10, 0, 100)] == [
        (10, "restart grok"),
        (70, "restart grok"),
        (90, "restart grok"),
    ]


def test_values_that_are_times_mark_those_and_files_changed_together_share_a_mark() -> None:
    series = [Series({"file": name}, ((90, 50_000), (95, 50_000))) for name in ("b.yaml", "a.yaml")]
    before = Series({"file": "old.yaml"}, ((90, -50_000),))
    after = Series({"file": "next.yaml"}, ((90, 150_000),))
    [mark] = annotations_in(CHANGES, [*series, before, after], 5, 0, 100)
    assert (mark.at, mark.title) == (50, "a.yaml changed; b.yaml changed")


def test_an_annotation_has_a_limited_number_of_titles() -> None:
    series = [Series({"file": f"{number}"}, ((90, 50_000),)) for number in range(7)]
    [mark] = annotations_in(CHANGES, series, 5, 0, 100)
    assert mark.title.endswith("; 4 changed; and 2 more")


def test_a_query_that_takes_too_long_fails_alone() -> None:
    released = Event()

    def late() -> list[Series]:
        released.wait(60)
        return []

    with ThreadPoolExecutor(1) as executor:
        pending = PendingQuery(executor.submit(late), "", 0.01, monotonic() + 0.01)
        with pytest.raises(QueryFailed, match=r"did not respond within 0\.01 s"):
            pending.result()
        released.set()
        assert PendingQuery(executor.submit(list), "", None, 0).result() == []


def test_a_query_that_cannot_run_says_why() -> None:
    with pytest.raises(QueryFailed, match="not known"):
        PendingQuery(None, "The values of $agent are not known", None, 0).result()
