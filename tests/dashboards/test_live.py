"""The pages' queries before a real Prometheus that holds an hour of every family."""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from dashboards.build import datasource_seconds, pages
from dashboards.expected_empty import EXPECTED_EMPTY, Reason
from dashboards.live import Verdict, answers
from nervesys.cli.dashboards import world
from nervesys.prometheus import Prometheus
from nervesys.promql import Known
from nervesys.queries.asking import Live
from nervesys.queries.reading import questions_of
from nervesys.settings import load
from nervesys.stack.programs import find
from tests.dashboards.history import HOUR_SECONDS, openmetrics

LOCAL = load(profile="local")
START = 1_750_000_000
READY_SECONDS = 30


def known() -> dict[str, Known]:
    return dict(world(LOCAL).known)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A Prometheus over blocks made of the hour; it scrapes nothing."""
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "hour.txt").write_text(openmetrics(known(), START))
    make = [find("promtool"), "tsdb", "create-blocks-from", "openmetrics", folder / "hour.txt", folder / "data"]
    subprocess.run([str(word) for word in make], check=True, capture_output=True, timeout=60)
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    (folder / "prometheus.yml").write_text("")
    arguments = {
        "config.file": folder / "prometheus.yml",
        "storage.tsdb.path": folder / "data",
        "storage.tsdb.retention.time": "100y",
        "web.listen-address": address,
    }
    command = [str(find("prometheus")), *(f"--{name}={value}" for name, value in arguments.items())]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _wait_until_ready(f"http://{address}", folder / "log")
            yield Live(Prometheus(f"http://{address}"), datasource_seconds(LOCAL), START + HOUR_SECONDS)
        finally:
            process.terminate()


def _wait_until_ready(url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            if requests.get(f"{url}/-/ready", timeout=1).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    pytest.fail(log.read_text())


def test_every_query_runs_and_finds_data(live: Live) -> None:
    made = pages(LOCAL)
    given = list(answers(live, made, {}))
    assert [(one.question, one.verdict) for one in given if not one.verdict.fine] == []
    assert len(given) == sum(len(list(questions_of(page))) for page in made)


@pytest.mark.parametrize(
    ("panel", "value"),
    [
        pytest.param("At work", 2, id="both say that they run"),
        pytest.param("Silent", 2, id="but said so a minute ago, and half a minute is the limit"),
        pytest.param("Alerts firing", 1, id="one alert, and the Watchdog is none"),
        pytest.param("Escalated", 2, id="one action of each agent"),
    ],
)
def test_tiles_tell_the_truth(live: Live, panel: str, value: float) -> None:
    question = next(question for question in questions_of(pages(LOCAL)[0]) if question.panel == panel)
    [series] = live.ask(question, {"agent": ".+", "server": ".+"}, HOUR_SECONDS)
    assert [at_last for _, at_last in series.points] == [value]


NEVER, NOT_YET = Reason("never"), Reason("not yet", unless="up")


@pytest.mark.parametrize(
    ("expr", "reason", "verdict"),
    [
        pytest.param("up", None, Verdict.DATA, id="found"),
        pytest.param("gone", None, Verdict.UNEXPECTEDLY_EMPTY, id="empty without a reason"),
        pytest.param("gone", NEVER, Verdict.EMPTY, id="empty with a reason"),
        pytest.param("up", NEVER, Verdict.UNEXPECTEDLY_FULL, id="found against a reason"),
        pytest.param("up", NOT_YET, Verdict.DATA, id="found, for the reason has passed"),
        pytest.param("0 * up / 0", None, Verdict.UNEXPECTEDLY_EMPTY, id="nothing but NaN"),
        pytest.param("sum by (", None, Verdict.FAILED, id="no PromQL"),
    ],
)
def test_what_is_empty_needs_a_reason_that_holds(
    live: Live, expr: str, reason: Reason | None, verdict: Verdict
) -> None:
    page = pages(LOCAL)[0]
    page["panels"][0]["targets"][0]["expr"] = expr
    answer = next(answers(live, [page], {"main-overview / At work / A": reason} if reason else {}))
    assert answer.verdict is verdict
    assert ("parse error" in answer.detail) is (verdict is Verdict.FAILED)


def test_the_table_of_reasons_names_queries_that_exist() -> None:
    asked = {str(question) for page in pages(LOCAL) for question in questions_of(page)}
    assert set(EXPECTED_EMPTY) <= asked


def test_variables_are_chosen_as_grafana_does_at_first(live: Live) -> None:
    by_uid = {page["uid"]: page for page in pages(LOCAL)}
    assert live.variables(by_uid["main-overview"]) == {"server": ".+", "agent": ".+"}
    assert live.variables(by_uid["agent-details"]) == {"agent": "gimai", "server": "alpha"}
