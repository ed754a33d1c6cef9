"""The pages' queries before a real Prometheus that holds an hour of every family."""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from dashboards.build import datasource_seconds, pages
from dashboards.live import Answer, Live, Verdict
from dashboards.reading import questions_of
from nervesys.cli.dashboards import world
from nervesys.prometheus import Prometheus
from nervesys.promql import Known
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


def troubles(answers: Iterator[Answer]) -> list[tuple[str, Verdict, str]]:
    return [(str(one.question), one.verdict, one.detail) for one in answers if not one.verdict.fine]


def test_every_query_runs_and_finds_data(live: Live) -> None:
    made = pages(LOCAL)
    answers = list(live.answers(made, {}))
    assert (
        troubles(one for one in answers if "brain" not in one.question.expr and "github" not in one.question.expr) == []
    )
    assert len(answers) == sum(len(list(questions_of(page))) for page in made)


def test_what_is_empty_needs_a_reason_and_what_has_one_must_be_empty(live: Live) -> None:
    page = pages(LOCAL)[0]
    first, second, third = [f"main-overview / {title} / A" for title in ("At work", "Silent", "Degraded")]
    page["panels"][0]["targets"][0]["expr"] = "nervesys_gone"
    page["panels"][1]["targets"][0]["expr"] = "nervesys_gone"
    page["panels"][2]["targets"][0]["expr"] = "sum by ("
    said = {str(one.question): one for one in live.answers([page], {second: "why", "main-overview / Errors / A": "no"})}
    assert said[first].verdict is Verdict.UNEXPECTEDLY_EMPTY
    assert said[second].verdict is Verdict.EMPTY
    assert said[third].verdict is Verdict.FAILED
    assert "parse error" in said[third].detail
    assert said["main-overview / Errors / A"].verdict is Verdict.UNEXPECTEDLY_FULL


def test_variables_are_chosen_as_grafana_does_at_first(live: Live) -> None:
    by_uid = {page["uid"]: page for page in pages(LOCAL)}
    assert live.variables(by_uid["main-overview"]) == {"server": ".+", "agent": ".+"}
    assert live.variables(by_uid["agent-details"]) == {"agent": "gimai", "server": "alpha"}
