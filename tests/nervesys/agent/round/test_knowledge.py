"""Agents' knowledge is merged once a day, and nothing is lost: not by concurrent merges, nor by invalid objects.

Covers: nervesys.agent.knowledge, nervesys.agent.round.knowledge.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import IO

import pyrage
import pytest
from pydantic import SecretStr

from nervesys.agent import Agent
from nervesys.agent.knowledge import Learning
from nervesys.agent.round import DailyRound
from nervesys.agent.round.knowledge import KnowledgeMerge
from nervesys.contract.knowledge import LEARNED
from nervesys.errors import BadObject, NervesysError, StoreUnavailable
from nervesys.settings import FolderTree, shipped_root
from nervesys.stores.encryption import set_identity
from nervesys.stores.objects import Listing
from tests.nervesys.agent.round.kit import NOW, STORAGE, World
from tests.stores import FolderStore

PATHS = STORAGE.storj.paths


def agent(world: World, name: str, host: str = "host-1", now: float = NOW) -> Learning:
    path = world.bucket.parent / host / f"{name}.json"
    return Learning(name, path, f"shared/knowledge/{name}.json", PATHS.shared, world.store, lambda: now)


def tree(world: World) -> dict[str, object]:
    found = json.loads((world.bucket / PATHS.shared).read_bytes())
    del found[LEARNED]
    return dict(found)


def learns(learning: Learning, key: str, value: object) -> None:
    learning.learn(key, value)
    learning.sync()


def test_the_round_merges_what_agents_learned_before_it_backs_up(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.store.put(PATHS.shared, b'{"team": "ada"}')
    learns(agent(world, "grok"), "deploy", {"window": "02:00"})
    learns(agent(world, "gimai"), "deploy/lead", "bob")
    messages: list[str] = []
    daily = DailyRound(world.round(), FolderTree(shipped_root()), None)
    assert daily.run(messages.append) == []
    assert tree(world) == {"team": "ada", "deploy": {"window": "02:00", "lead": "bob"}}
    assert messages[0] == "merged the agents' knowledge: 3 values"
    assert agent(world, "deepseek").all() == tree(world)
    assert KnowledgeMerge(world.store, PATHS).run() is None, "nothing is new"


def test_two_merges_at_once_lose_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    learns(agent(world, "grok"), "a", 1)

    class Slow(FolderStore):
        """Another round merges, with a newer listing, just before this one writes."""

        def put(self, key: str, body: bytes | IO[bytes], *, content_type: str = "") -> str:
            learns(agent(world, "gimai"), "b", 2)
            KnowledgeMerge(world.store, PATHS).run()
            return super().put(key, body, content_type=content_type)

    KnowledgeMerge(Slow(world.bucket), PATHS).run()
    assert tree(world) == {"a": 1}, "the older listing was written last"
    KnowledgeMerge(world.store, PATHS).run()
    assert tree(world) == {"a": 1, "b": 2}


def test_what_a_person_edits_during_a_merge_is_merged_too(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.store.put(PATHS.shared, b'{"team": "ada"}')
    learns(agent(world, "grok"), "a", 1)

    class Edited(FolderStore):
        """A person saves an edit right after the merge read the object, so many times."""

        edits = 1

        def get(self, key: str, *, max_bytes: int) -> bytes:
            body = super().get(key, max_bytes=max_bytes)
            if key == PATHS.shared and self.edits:
                self.edits -= 1
                self.put(key, b'{"team": "bob", "edits": %d}' % self.edits)
            return body

    assert KnowledgeMerge(Edited(world.bucket), PATHS).run() == 3
    assert tree(world) == {"team": "bob", "edits": 0, "a": 1}
    learns(agent(world, "grok"), "a", 2)
    busy = Edited(world.bucket)
    busy.edits = 100
    with pytest.raises(StoreUnavailable, match="others changed it 5 times"):
        KnowledgeMerge(busy, PATHS).run()


def test_an_agent_that_starts_elsewhere_keeps_what_it_learned(tmp_path: Path) -> None:
    world = World(tmp_path)
    learns(agent(world, "grok"), "a", 1)
    there = agent(world, "grok", "host-2", NOW + 1)
    learns(there, "b", 2)
    assert there.all() == {"a": 1, "b": 2}
    KnowledgeMerge(world.store, PATHS).run()
    assert tree(world) == {"a": 1, "b": 2}


def test_a_bad_object_costs_nobody_else(tmp_path: Path) -> None:
    world = World(tmp_path)
    learns(agent(world, "grok"), "a", 1)
    world.store.put("shared/knowledge/gimai.json", b"{")
    world.store.put("shared/knowledge/deeper/x.json", b"{")
    merge = KnowledgeMerge(world.store, PATHS)
    assert merge.run() == 1
    assert [line.partition(":")[0] for line in merge.problems] == [
        "shared/knowledge/gimai.json is not in the knowledge base"
    ]


def test_a_damaged_base_is_never_overwritten(tmp_path: Path) -> None:
    world = World(tmp_path)
    learns(agent(world, "grok"), "a", 1)
    world.store.put(PATHS.shared, b'{"torn')
    trouble = DailyRound(world.round(), FolderTree(shipped_root()), None).run(lambda _: None)
    assert [line for line in trouble if "repair or delete it" in line and PATHS.shared in line]
    assert (world.bucket / PATHS.shared).read_bytes() == b'{"torn'


def test_what_was_learned_waits_on_the_disk_for_the_store(tmp_path: Path) -> None:
    world = World(tmp_path)

    class Away(FolderStore):
        def get(self, key: str, *, max_bytes: int) -> bytes:
            raise StoreUnavailable("away")

    learning = agent(world, "grok")
    learning.store = Away(world.bucket)
    learning.learn("a", 1)
    with pytest.raises(StoreUnavailable):
        learning.sync()
    again = agent(world, "grok")  # a new start
    again.sync()
    KnowledgeMerge(world.store, PATHS).run()
    assert tree(world) == {"a": 1}


class Outage(FolderStore):
    """A store that may be away."""

    away = False

    def list(self, prefix: str, *, recursive: bool = True) -> Listing:
        if self.away:
            raise StoreUnavailable("away")
        return super().list(prefix, recursive=recursive)

    def get(self, key: str, *, max_bytes: int) -> bytes:
        if self.away:
            raise StoreUnavailable("away")
        return super().get(key, max_bytes=max_bytes)


def test_while_the_store_is_away_the_last_copy_is_answered_with_what_was_learned_since(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(tmp_path)
    learns(agent(world, "gimai"), "a", 1)
    KnowledgeMerge(world.store, PATHS).run()
    store = Outage(world.bucket)
    asks = replace(agent(world, "grok"), store=store)
    assert asks.all() == {"a": 1}
    store.away = True
    asks.learn("b", 2)
    assert [asks.all(), asks.all()] == [{"a": 1, "b": 2}] * 2
    assert caplog.text.count("from the last copy") == 1
    after_restart = replace(agent(world, "grok"), store=store)
    assert after_restart.all() == {"a": 1, "b": 2}
    assert replace(agent(world, "qwen", "new-host"), store=store).all() == {}, "nothing was ever read there"
    store.away = False
    after_restart.sync()
    KnowledgeMerge(world.store, PATHS).run()
    assert tree(world) == {"a": 1, "b": 2}
    assert after_restart.all() == {"a": 1, "b": 2}


def test_a_damaged_base_or_copy_costs_nobody_what_was_learned(tmp_path: Path) -> None:
    world = World(tmp_path)
    learning = agent(world, "grok")
    learns(learning, "a", 1)
    KnowledgeMerge(world.store, PATHS).run()
    assert learning.all() == {"a": 1}
    world.store.put(PATHS.shared, b'{"torn')
    assert learning.all() == {"a": 1}
    learning.path.with_name("knowledge_base.json").write_bytes(b"\0")
    assert agent(world, "grok").all() == {"a": 1}, "its own"


def test_who_learned_nothing_asks_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    learning = agent(world, "grok")
    learning.store = None  # type: ignore[assignment]
    learning.sync()


def test_limits_and_damage_on_the_disk_are_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    world = World(tmp_path)
    learning = agent(world, "grok")
    with pytest.raises(NervesysError, match="an agent may keep 1048576 bytes"):
        learning.learn("a", "x" * (1 << 20))
    learns(learning, "a", 1)
    learning.path.write_bytes(b"\0")
    assert agent(world, "grok").all() == {"a": 1}, "from the store"
    assert "is moved to" in caplog.text


def test_an_older_layout_names_a_folder(tmp_path: Path) -> None:
    world = World(tmp_path)
    learns(agent(world, "grok"), "a", 1)
    KnowledgeMerge(world.store, PATHS.model_copy(update={"shared": "shared/knowledge-base/"})).run()
    assert (world.bucket / "shared/knowledge-base/knowledge_base.json").exists()


def test_an_author_learns(grok: Callable[[], Agent], bucket: Path) -> None:
    with grok() as learning:
        learning.learn("deploy/window", "02:00")
        assert learning.knowledge == {"deploy": {"window": "02:00"}}
        with pytest.raises(BadObject):
            learning.learn("", 1)
    assert json.loads((bucket / "shared/knowledge/grok.json").read_bytes())["learned"]["/deploy/window"]


def test_encrypted_knowledge_is_read_merged_and_switched_on_over_plain_objects(tmp_path: Path) -> None:
    world, ours = World(tmp_path), pyrage.x25519.Identity.generate()
    for_us = (str(ours.to_public()),)
    learns(agent(world, "grok"), "deploy/window", "02:00")
    KnowledgeMerge(world.store, PATHS).run()
    grok = replace(agent(world, "grok", host="host-2"), recipients=lambda: for_us)
    grok.learn("deploy/lead", "bob")
    set_identity(SecretStr(str(ours)))
    try:
        grok.sync()
        assert KnowledgeMerge(world.store, PATHS, for_us).run() == 2
        assert KnowledgeMerge(world.store, PATHS, for_us).run() is None, "nothing is new"
        for key in (PATHS.shared, "shared/knowledge/grok.json"):
            assert (world.bucket / key).read_bytes().startswith(b"age-encryption.org/v1\n")
        assert agent(world, "gimai").all() == {"deploy": {"window": "02:00", "lead": "bob"}}
        before = (world.bucket / PATHS.shared).read_bytes()
        set_identity(None)
        with pytest.raises(BadObject, match="it is encrypted; set NERVESYS_AGE_IDENTITY"):
            agent(world, "gimai").all()
        blind = KnowledgeMerge(world.store, PATHS, for_us)
        assert blind.run() is None
        assert ["it is encrypted" in problem for problem in blind.problems] == [True]
        learns(agent(world, "qwen"), "other", 1)
        with pytest.raises(BadObject, match="it is encrypted"):
            KnowledgeMerge(world.store, PATHS, for_us).run()
        assert (world.bucket / PATHS.shared).read_bytes() == before, "what cannot be read is not overwritten"
        set_identity(SecretStr(str(ours)))
        assert KnowledgeMerge(world.store, PATHS).run() == 3, "switched off again"
        assert json.loads((world.bucket / PATHS.shared).read_bytes())["other"] == 1
    finally:
        set_identity(None)
