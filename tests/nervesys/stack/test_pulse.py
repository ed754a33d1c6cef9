"""The entities of the demo: believable vital signs, written again and again, whatever the store does meanwhile."""

from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO

from nervesys.contract import VitalSigns
from nervesys.errors import StoreUnavailable
from nervesys.settings import load
from nervesys.stack.container import config
from nervesys.stack.pulse import ENTITIES, beat, beating
from tests.brains import NOON
from tests.stores import FolderStore

TEMPLATE = load().settings.storage.storj.paths.vitality


class Ended(Exception):
    """The demo is over."""


class Flaky(FolderStore):
    """Away at the first write of each entity."""

    writes = 0

    def put(self, key: str, body: bytes | IO[bytes], *, content_type: str = "application/octet-stream") -> str:
        self.writes += 1
        if self.writes <= len(ENTITIES):
            raise StoreUnavailable(f"put {key}: away")
        return super().put(key, body)


def test_an_entity_says_what_the_contract_knows_and_its_counts_only_grow() -> None:
    said = [VitalSigns.parse(signs.body()) for signs in islice(beating("aurora", lambda: NOON), 200)]
    received = [signs.pulses.received for signs in said if signs.pulses]
    assert received == sorted(received)
    last = said[-1]
    assert last.pulses is not None
    assert last.reaction_seconds is not None
    assert sum(last.reaction_seconds.buckets.values()) == last.pulses.answered < last.pulses.received
    assert last.errors is not None
    assert sum(last.errors.values()) > 0
    assert said == [VitalSigns.parse(signs.body()) for signs in islice(beating("aurora", lambda: NOON), 200)]


def test_what_could_not_be_written_is_said_and_written_the_next_time(tmp_path: Path) -> None:
    tmp_path.joinpath("bucket").mkdir()
    store, pauses = Flaky(tmp_path / "bucket"), iter(range(3))

    def sleep(seconds: float) -> None:
        if next(pauses, None) is None:
            raise Ended

    said: list[str] = []
    with suppress(Ended):
        said.extend(beat(store, TEMPLATE, 5, lambda: NOON, sleep=sleep))
    assert len(said) == len(ENTITIES)
    assert all("away" in trouble for trouble in said)
    assert {info.key for info in store.list("vitality/").objects} == {
        f"vitality/{name}_state.json" for name in ENTITIES
    }


def test_compose_runs_them_beside_its_agents() -> None:
    assert "[program:vital-signs]" in config(["grok"], "secret")
