"""The entities of the demo: believable vital signs, written again and again, whatever the store does meanwhile.

Covers: nervesys.stack.container.
"""

from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO

from nervesys.contract import VitalSigns
from nervesys.errors import StoreUnavailable
from nervesys.settings import load
from nervesys.stack.container import config
from nervesys.stack.vital_signs import ENTITIES, generate_signs, write_signs
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


def test_vital_signs_follow_the_contract_and_counts_only_grow() -> None:
    written = [VitalSigns.parse(signs.body()) for signs in islice(generate_signs("aurora", lambda: NOON), 200)]
    received = [signs.pulses.received for signs in written if signs.pulses]
    assert received == sorted(received)
    last = written[-1]
    assert last.pulses is not None
    assert last.reaction_seconds is not None
    assert sum(last.reaction_seconds.buckets.values()) == last.pulses.answered < last.pulses.received
    assert last.errors is not None
    assert sum(last.errors.values()) > 0
    assert written == [VitalSigns.parse(signs.body()) for signs in islice(generate_signs("aurora", lambda: NOON), 200)]


def test_a_failed_write_is_reported_and_repeated_the_next_time(tmp_path: Path) -> None:
    tmp_path.joinpath("bucket").mkdir()
    store, pauses = Flaky(tmp_path / "bucket"), iter(range(3))

    def sleep(seconds: float) -> None:
        if next(pauses, None) is None:
            raise Ended

    written: list[str] = []
    with suppress(Ended):
        written.extend(write_signs(store, TEMPLATE, 5, lambda: NOON, sleep=sleep))
    assert len(written) == len(ENTITIES)
    assert all("away" in trouble for trouble in written)
    assert {info.key for info in store.list("vitality/").objects} == {
        f"vitality/{name}_state.json" for name in ENTITIES
    }


def test_compose_runs_them_beside_its_agents() -> None:
    assert "[program:vital-signs]" in config(["grok"], "secret")
