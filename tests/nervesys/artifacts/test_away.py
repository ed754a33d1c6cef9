"""The service is away: attempts, then the disk, then the next heartbeat."""

from pathlib import Path

import pytest

from nervesys.artifacts.api_client import RequestRefused, ServiceUnavailable
from nervesys.artifacts.delivery import PAUSES, Delivery
from nervesys.artifacts.outbox import Outbox, state_of
from nervesys.artifacts.trace import Progress
from nervesys.errors import NervesysError
from tests.nervesys.artifacts.world import World


def test_it_is_asked_again_after_5_10_and_20_seconds_and_then_the_disk_keeps_it(world: World) -> None:
    slept: list[float] = []
    delivery = Delivery(world.caller(), Outbox(world.place.home / "w.sqlite3"), PAUSES, world.clock, slept.append)
    grok = world.artifacts("grok", delivery)
    world.stop()
    made = grok.put("x", "note")
    assert slept == [5, 10, 20]
    assert world.lies_there(made)
    grok.put("y", "note")
    assert slept == [5, 10, 20]  # it is known to be away: nobody waits a second time
    assert delivery.state().waiting == 2
    with pytest.raises(ServiceUnavailable):
        delivery.sync()
    world.start()
    delivery.sync()
    assert delivery.state().waiting == 0
    assert [grok.read(one.id) for one in grok.list()] == [b"x", b"y"]


def test_it_comes_back_between_two_attempts(world: World) -> None:
    delivery = Delivery(
        world.caller(), Outbox(world.place.home / "w.sqlite3"), PAUSES, world.clock, lambda _: world.start()
    )
    world.stop()
    made = world.artifacts("grok", delivery).put("x", "note")
    assert delivery.state().waiting == 0
    assert world.artifacts().get(made.id) == made


def test_what_waits_is_said_in_its_order_before_anything_newer(world: World) -> None:
    delivery = world.delivery(pauses=())
    grok = world.artifacts("grok", delivery)
    world.stop()
    with pytest.raises(ZeroDivisionError), grok.step("t", "s"):
        grok.trace("t", members=["gimai"])
        1 / 0  # noqa: B018
    world.start()
    grok.trace("t", "failed")
    assert delivery.state().waiting == 4
    delivery.sync()
    found = world.artifacts("gimai").trace_of("t")
    assert (found.status, found.steps[0].status, found.members) == ("failed", "failed", ("gimai", "grok"))
    assert (found.ended_at or 0) >= found.started_at


def test_what_is_refused_is_kept_aside_and_does_not_hold_up_the_rest(world: World) -> None:
    delivery = world.delivery(pauses=())
    world.artifacts("qwen").trace("theirs")
    grok = world.artifacts("grok", delivery)
    world.stop()
    grok.put("x", "note", trace="theirs")
    mine = grok.put("y", "note")
    world.start()
    delivery.sync()
    assert (delivery.state().waiting, delivery.state().refused) == (0, 1)
    assert [one.id for one in grok.list()] == [mine.id]
    with pytest.raises(RequestRefused):
        grok.put("z", "note", trace="theirs")


def test_a_wrong_token_costs_nothing_that_waits(world: World) -> None:
    delivery = world.delivery(pauses=())
    grok = world.artifacts("grok", delivery)
    world.stop()
    grok.put("x", "note")
    token = world.place.home / "secrets/artifacts/grok"
    right = token.read_text()
    token.write_text("another-token-than-before")
    world.start()
    with pytest.raises(ServiceUnavailable, match="token"):
        delivery.sync()
    assert delivery.state().waiting == 1
    world.stop()
    token.write_text(right)
    world.start()
    delivery.sync()
    assert len(list(grok.list())) == 1


def test_a_step_ends_once(world: World) -> None:
    grok = world.artifacts()
    with grok.step("t", "s"):
        pass
    ended = grok.trace_of("t").steps[0]
    with pytest.raises(ValueError, match="again"), grok.step("t", "s"):
        raise ValueError("again")
    assert grok.trace_of("t").steps[0] == ended
    grok.trace("t", Progress.COMPLETED)
    grok.trace("t", Progress.CANCELLED)
    assert grok.trace_of("t").status == "completed"


def test_who_only_looks_sees_what_waits_and_touches_nothing(world: World) -> None:
    delivery = world.delivery(pauses=())
    world.stop()
    world.artifacts("grok", delivery).put("x", "note")
    file = world.place.home / "agents/grok/artifacts.sqlite3"
    file.chmod(0o400)
    assert state_of(file)[0] == 1
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("body", [b"", b"not a database, but long enough to be taken for one" * 50])
def test_a_file_that_is_none_is_told_in_words(tmp_path: Path, body: bytes) -> None:
    file = tmp_path / "w.sqlite3"
    file.write_bytes(body)
    with pytest.raises(NervesysError, match="read"):
        state_of(file)
    if body:
        with pytest.raises(NervesysError, match="open"):
            Outbox(file)
