"""The background tasks of the receiver.

Covers: alerting.receiver.tasks.
"""

import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from alerting.journal import ActionState, Journal
from alerting.receiver import program
from alerting.receiver.fleet import FleetConfig, FleetSource
from alerting.receiver.healer import Healer
from alerting.receiver.local import LocalFile, ReceiverLimits
from alerting.receiver.program import Receiver
from nervesys.errors import BrainUnavailable
from tests.alerting.journal.kit import DOWN, end, take
from tests.alerting.journal.test_retention import DAY, rows, settle_records
from tests.alerting.receiver.simulation import START, a_fleet
from tests.alerting.receiver.test_webhook import FIRING, body, labels
from tests.stores import FolderStore
from tests.waiting import until

SENDER = {"authorization": "Bearer a-secret-token-of-tests"}
PAUSE = 0.05


class Surroundings:
    """A clock and a brain that obey."""

    def __init__(self) -> None:
        self.now = START
        self.fleet: Callable[[], FleetConfig] = lambda: a_fleet("grok")


async def asleep(_: Healer) -> float:
    """Until it is woken."""
    return 3600


@pytest.fixture
def around(monkeypatch: pytest.MonkeyPatch) -> Surroundings:
    for every in ("FLEET_SECONDS", "DEADMAN_SECONDS"):
        monkeypatch.setattr(program, every, PAUSE)
    monkeypatch.setattr(Healer, "pause", asleep)
    return Surroundings()


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """One that holds an episode and a record from long ago."""
    journal = Journal.open(f"sqlite:///{tmp_path / 'journal.sqlite3'}")
    take(journal, DOWN, now=START - 400 * DAY)
    end(journal, ActionState.RECOVERED, now=START - 400 * DAY)
    settle_records(journal)
    return journal


@pytest.fixture
def pages(around: Surroundings, journal: Journal, tmp_path: Path) -> Iterator[TestClient]:
    """The pages of a receiver that runs as its program runs it."""
    local = LocalFile(limits=ReceiverLimits(log_seconds=PAUSE)).model_copy(
        update={"token": SecretStr("a-secret-token-of-tests")}
    )
    source = FleetSource(lambda: around.fleet())
    receiver = Receiver(source, local, journal, FolderStore(tmp_path), None, clock=lambda: around.now)
    with TestClient(receiver.application()) as client:
        yield client


def shows(pages: TestClient, line: str) -> Callable[[], bool]:
    return lambda: f"\nnervesys_{line}\n" in pages.get("/metrics").text


def test_the_silence_of_the_watchdog_is_noticed_and_so_is_its_return(around: Surroundings, pages: TestClient) -> None:
    until(shows(pages, "watchdog_missing 0.0"))
    around.now += 3600
    until(shows(pages, "watchdog_missing 1.0"))
    sent = pages.post("/api/v1/alertmanager", content=body(labels(alertname="Watchdog")), headers=SENDER)
    assert sent.status_code == 200
    until(shows(pages, "watchdog_missing 0.0"))
    assert shows(pages, f"watchdog_last_received_timestamp_seconds {around.now:.7e}")()


def test_an_alert_is_looked_into_as_soon_as_it_is_journalled(pages: TestClient) -> None:
    pages.post("/api/v1/alertmanager", content=body(FIRING), headers=SENDER)
    until(lambda: pages.get("/actions?state=deferred&action=restart_agent").json()["actions"])


def test_what_is_to_be_written_down_is_taken_to_the_brain(pages: TestClient) -> None:
    pages.post("/api/v1/alertmanager", content=body(FIRING), headers=SENDER)
    until(lambda: pages.get("/actions?state=failed&action=log_to").json()["actions"])
    assert "plain folder" in pages.get("/actions?action=log_to").json()["actions"][0]["detail"]


def test_agents_that_join_the_brain_are_known_though_it_was_away(around: Surroundings, pages: TestClient) -> None:
    away = threading.Event()

    def gone() -> FleetConfig:
        away.set()
        raise BrainUnavailable("fetch: gone")

    def restart(agent: str) -> int:
        return pages.post(f"/api/v1/restart?agent={agent}", headers=SENDER).status_code

    around.fleet = gone
    assert away.wait(60)
    assert restart("gimai") == HTTPStatus.NOT_FOUND
    around.fleet = lambda: a_fleet("grok", "gimai")
    until(lambda: restart("gimai") == HTTPStatus.OK)


@pytest.mark.usefixtures("pages")
def test_what_ended_long_ago_is_forgotten(journal: Journal) -> None:
    def episodes() -> int:
        with journal.alone() as connection:
            return rows(connection).get("episodes", 0)

    until(lambda: not episodes())
