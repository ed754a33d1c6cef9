"""The service is away: attempts, then the disk, then the next heartbeat.

Covers: nervesys.artifacts.api_client, nervesys.artifacts.client, nervesys.artifacts.delivery,
  nervesys.artifacts.outbox, nervesys.artifacts.trace.
"""

from pathlib import Path

import pytest

from nervesys.artifacts.api_client import ServiceRefusal, ServiceUnavailable
from nervesys.artifacts.delivery import PAUSES, Delivery
from nervesys.artifacts.outbox import Outbox, read_state
from nervesys.artifacts.trace import Progress
from nervesys.errors import NervesysError
from tests.nervesys.artifacts.service_setup import ServiceSetup


def test_it_is_asked_again_after_5_10_and_20_seconds_and_then_the_disk_keeps_it(setup: ServiceSetup) -> None:
    slept: list[float] = []
    delivery = Delivery(setup.caller(), Outbox(setup.place.home / "w.sqlite3"), PAUSES, setup.clock, slept.append)
    grok = setup.artifacts("grok", delivery)
    setup.stop()
    made = grok.put("x", "note")
    assert slept == [5, 10, 20]
    assert setup.has_content(made)
    grok.put("y", "note")
    assert slept == [5, 10, 20]  # it is known to be away: nobody waits a second time
    assert delivery.state().waiting == 2
    with pytest.raises(ServiceUnavailable):
        delivery.sync()
    setup.start()
    delivery.sync()
    assert delivery.state().waiting == 0
    assert [grok.read(artifact.id) for artifact in grok.list()] == [b"x", b"y"]


def test_it_comes_back_between_two_attempts(setup: ServiceSetup) -> None:
    delivery = Delivery(
        setup.caller(), Outbox(setup.place.home / "w.sqlite3"), PAUSES, setup.clock, lambda _: setup.start()
    )
    setup.stop()
    made = setup.artifacts("grok", delivery).put("x", "note")
    assert delivery.state().waiting == 0
    assert setup.artifacts().get(made.id) == made


def test_stored_requests_are_sent_in_order_before_newer_ones(setup: ServiceSetup) -> None:
    delivery = setup.delivery(pauses=())
    grok = setup.artifacts("grok", delivery)
    setup.stop()
    with pytest.raises(ZeroDivisionError), grok.step("t", "s"):
        grok.trace("t", members=["gimai"])
        1 / 0  # noqa: B018
    setup.start()
    grok.trace("t", "failed")
    assert delivery.state().waiting == 4
    delivery.sync()
    found = setup.artifacts("gimai").trace_of("t")
    assert (found.status, found.steps[0].status, found.members) == ("failed", "failed", ("gimai", "grok"))
    assert (found.ended_at or 0) >= found.started_at


def test_what_is_refused_is_kept_aside_and_does_not_hold_up_the_rest(setup: ServiceSetup) -> None:
    delivery = setup.delivery(pauses=())
    setup.artifacts("qwen").trace("theirs")
    grok = setup.artifacts("grok", delivery)
    setup.stop()
    grok.put("x", "note", trace="theirs")
    mine = grok.put("y", "note")
    setup.start()
    delivery.sync()
    assert (delivery.state().waiting, delivery.state().refused) == (0, 1)
    assert [artifact.id for artifact in grok.list()] == [mine.id]
    with pytest.raises(ServiceRefusal):
        grok.put("z", "note", trace="theirs")


def test_a_wrong_token_costs_nothing_that_waits(setup: ServiceSetup) -> None:
    delivery = setup.delivery(pauses=())
    grok = setup.artifacts("grok", delivery)
    setup.stop()
    grok.put("x", "note")
    token = setup.place.home / "secrets/artifacts/grok"
    right = token.read_text()
    token.write_text("another-token-than-before")
    setup.start()
    with pytest.raises(ServiceUnavailable, match="token"):
        delivery.sync()
    assert delivery.state().waiting == 1
    setup.stop()
    token.write_text(right)
    setup.start()
    delivery.sync()
    assert len(list(grok.list())) == 1


def test_a_step_ends_once(setup: ServiceSetup) -> None:
    grok = setup.artifacts()
    with grok.step("t", "s"):
        pass
    ended = grok.trace_of("t").steps[0]
    with pytest.raises(ValueError, match="again"), grok.step("t", "s"):
        raise ValueError("again")
    assert grok.trace_of("t").steps[0] == ended
    grok.trace("t", Progress.COMPLETED)
    grok.trace("t", Progress.CANCELLED)
    assert grok.trace_of("t").status == "completed"


def test_the_state_is_read_without_writing(setup: ServiceSetup) -> None:
    delivery = setup.delivery(pauses=())
    setup.stop()
    setup.artifacts("grok", delivery).put("x", "note")
    file = setup.place.home / "agents/grok/artifacts.sqlite3"
    file.chmod(0o400)
    assert read_state(file)[0] == 1
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("body", [b"", b"not a database, but long enough to be taken for one" * 50])
def test_a_file_that_is_no_database_is_an_error(tmp_path: Path, body: bytes) -> None:
    file = tmp_path / "w.sqlite3"
    file.write_bytes(body)
    with pytest.raises(NervesysError, match="read"):
        read_state(file)
    if body:
        with pytest.raises(NervesysError, match="open"):
            Outbox(file)
