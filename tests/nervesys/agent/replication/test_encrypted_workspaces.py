"""Copies of workspaces that only the recipients read: switched on with a plain copy in the store, off again, killed.

Covers: nervesys.agent.replication.workspaces.
"""

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyrage
import pytest
from pydantic import SecretStr

from nervesys.agent.replication.workspaces import WorkspaceReplica
from nervesys.errors import BadObject, Reason, StoreUnavailable
from nervesys.stores.encryption import set_identity
from nervesys.stores.objects import ObjectStore
from nervesys.workspace import Workspace
from tests.brains import NOON
from tests.stores import FolderStore

OURS = pyrage.x25519.Identity.generate()
FOR_US = (str(OURS.to_public()),)
PREFIX = "workspace/grok/apollo/"


@pytest.fixture(autouse=True)
def _no_identity_is_left() -> Iterator[None]:
    yield
    set_identity(None)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "bucket")


def replica(store: ObjectStore, folder: Path, me: str, recipients: Sequence[str] = FOR_US) -> WorkspaceReplica:
    return WorkspaceReplica(
        folder / "workspace",
        folder / "notes",
        lambda project: f"workspace/grok/{project}/",
        store,
        me,
        lambda: recipients,
    )


def write(folder: Path, name: str) -> None:
    with Workspace(folder / "workspace", "apollo", "grok", lambda: NOON) as workspace:
        workspace.files.write(f"{name}.md", f"the plan {name}")
        workspace.history.append("plan.made", {"name": name})


def read(folder: Path) -> dict[str, bytes]:
    with Workspace(folder / "workspace", "apollo", "grok", lambda: NOON) as workspace:
        return {version.path: workspace.files.read(version.path) for version in workspace.files.list()}


def keys(store: FolderStore) -> set[str]:
    return {info.key.removeprefix(PREFIX) for info in store.list(PREFIX).objects} - {"origin"}


def test_a_plain_copy_is_replaced_by_an_encrypted_one_which_only_the_identity_restores(
    store: FolderStore, tmp_path: Path
) -> None:
    plain = replica(store, tmp_path / "a", "first", ())
    plain.open("apollo")
    write(tmp_path / "a", "one")
    plain.sync()
    before = keys(store)
    assert not any(key.endswith(".age") for key in before)

    here = replica(store, tmp_path / "a", "first")
    here.open("apollo")
    here.sync()
    assert keys(store) == {f"{key}.age" for key in before}, "the same files, in the other form alone"
    assert not any(b"plan" in store.get(info.key, max_bytes=1 << 20) for info in store.list(PREFIX).objects)
    write(tmp_path / "a", "two")
    here.sync()

    there = replica(store, tmp_path / "b", "second")
    with pytest.raises(BadObject) as caught:
        there.open("apollo")
    assert caught.value.reason is Reason.NO_IDENTITY
    assert not (tmp_path / "b/workspace/apollo").exists(), "nothing that looks like an empty project"
    set_identity(SecretStr(str(OURS)))
    there.open("apollo")
    assert read(tmp_path / "b") == {"one.md": b"the plan one", "two.md": b"the plan two"}
    there.sync()
    assert not any(not key.endswith(".age") for key in keys(store))

    off = replica(store, tmp_path / "b", "second", ())
    off.open("apollo")
    off.sync()
    assert not any(key.endswith(".age") for key in keys(store))


class DiesAtDelete(FolderStore):
    """A store whose client is killed before it deletes anything."""

    def delete(self, key: str) -> None:
        raise StoreUnavailable("killed")


def test_killed_between_both_forms_the_newer_log_is_restored(store: FolderStore, tmp_path: Path) -> None:
    plain = replica(store, tmp_path / "a", "first", ())
    plain.open("apollo")
    write(tmp_path / "a", "one")
    plain.sync()
    write(tmp_path / "a", "two")
    dying = replica(DiesAtDelete(tmp_path / "bucket"), tmp_path / "a", "first")
    dying.open("apollo")
    with pytest.raises(Exception, match="killed"):
        dying.sync()
    here = replica(store, tmp_path / "a", "first")
    here.open("apollo")
    here.sync()
    assert all(key.endswith(".age") for key in keys(store)), "the next upload completes the change of form"

    set_identity(SecretStr(str(OURS)))
    for name in ("history.log.gz", "versions/versions.log.gz"):  # outdated, in the other form
        path = tmp_path / "a/workspace/apollo" / name.removesuffix(".gz")
        store.put(PREFIX + name, gzip.compress(path.read_bytes().splitlines(keepends=True)[0]))
    there = replica(store, tmp_path / "b", "second")
    there.open("apollo")
    assert set(read(tmp_path / "b")) == {"one.md", "two.md"}


def test_switched_off_killed_and_switched_on_again_nothing_plain_is_left(store: FolderStore, tmp_path: Path) -> None:
    here = replica(store, tmp_path / "a", "first")
    here.open("apollo")
    write(tmp_path / "a", "one")
    here.sync()
    dying = replica(DiesAtDelete(tmp_path / "bucket"), tmp_path / "a", "first", ())
    dying.open("apollo")
    with pytest.raises(Exception, match="killed"):
        dying.sync()
    assert not all(key.endswith(".age") for key in keys(store))
    again = replica(store, tmp_path / "a", "first")
    again.open("apollo")
    again.sync()
    assert all(key.endswith(".age") for key in keys(store))
