"""Documents of the brain, and reports, lie in the store and in the archive; only what changed is copied."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from nervesys.agent.round import DailyRound, Round
from nervesys.agent.round.documents import Documents
from nervesys.errors import BadObject, Reason, StoreUnavailable
from nervesys.settings import FolderTree
from nervesys.stores.brain import GitBrain
from nervesys.stores.folder import FolderArchive
from tests.brains import write
from tests.nervesys.agent.round.kit import NOW, STORAGE, World
from tests.stores import FolderStore

REPORT = "Reports/Daily/2026-01-19_summary.pdf"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path / "world")
    (tmp_path / "brain/docs/plans").mkdir(parents=True)
    (tmp_path / "brain/docs/plans/plan.md").write_text("# Plan")
    (tmp_path / "brain/docs/.hidden").write_text("hidden")
    (tmp_path / "brain/docs/link").symlink_to("/etc")
    (tmp_path / "brain/config").mkdir()
    world.archive.put(REPORT, b"%PDF")
    return world


def copied(world: World, tmp_path: Path) -> str:
    """Run once; returns the step, empty if there was nothing to copy."""
    steps: list[str] = []
    assert Documents(world.round(), FolderTree(tmp_path / "brain")).run(steps.append) == []
    return "".join(steps)


def test_documents_and_reports_are_copied_twice_and_again_only_when_they_change(world: World, tmp_path: Path) -> None:
    assert copied(world, tmp_path) == "copied 2 documents to the store and the archive"
    for root in (world.bucket / "documents", world.cold / "Documentation"):
        assert (root / "docs/plans/plan.md").read_text() == "# Plan"
        assert (root / REPORT).read_bytes() == b"%PDF"
        assert not (root / "docs/.hidden").exists()
    index = json.loads((world.cold / "Documentation/index.json").read_bytes())["documents"]
    assert index.keys() == {"docs/plans/plan.md", REPORT}
    assert copied(world, tmp_path) == ""
    (tmp_path / "brain/docs/plans/plan.md").write_text("# Plan B")
    assert copied(world, tmp_path) == "copied 1 document to the store and the archive"
    (world.bucket / "documents" / REPORT).unlink()
    assert copied(world, tmp_path) == "copied 1 document to the store and the archive"
    (tmp_path / "brain/docs/plans/plan.md").unlink()
    assert copied(world, tmp_path) == ""
    assert (world.cold / "Documentation/docs/plans/plan.md").read_text() == "# Plan B"


def test_a_damaged_index_costs_a_copy_and_a_refused_store_is_a_problem(world: World, tmp_path: Path) -> None:
    copied(world, tmp_path)
    (world.cold / "Documentation/index.json").write_bytes(b"{")
    assert copied(world, tmp_path) == "copied 2 documents to the store and the archive"

    class Refusing(FolderStore):
        def put(self, key: str, *_: object, **__: object) -> str:
            raise StoreUnavailable(f"put {key}: AccessDenied")

    (tmp_path / "brain/docs/plans/plan.md").write_text("# Plan C")
    refused = Documents(world.round(store=Refusing(world.bucket)), FolderTree(tmp_path / "brain"))
    assert refused.run(lambda _: None) == ["documents are not copied: put documents/docs/plans/plan.md: AccessDenied"]


def test_a_document_that_is_too_large_costs_itself_alone(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nervesys.agent.round.documents.MAX_BYTES", 100)
    (tmp_path / "brain/docs/large.md").write_text("x" * 101)
    documents = Documents(world.round(), FolderTree(tmp_path / "brain"))
    (problem,) = documents.run(lambda _: None)
    assert problem.startswith("docs/large.md is not copied: too_large")
    assert (world.cold / "Documentation/docs/plans/plan.md").exists()


def test_a_report_that_cannot_be_opened_costs_itself_alone(world: World, tmp_path: Path) -> None:
    class Damaged(FolderArchive):
        @contextmanager
        def open(self, path: str) -> Iterator[IO[bytes]]:
            if path == REPORT:
                raise BadObject(Reason.GONE, f"{path}: there is no such file")
            with super().open(path) as body:
                yield body

    world.archive.put("Reports/Daily/2026-01-20_summary.pdf", b"%PDF")
    documents = Documents(world.round(archive=Damaged(world.cold)), FolderTree(tmp_path / "brain"))
    steps: list[str] = []
    assert documents.run(steps.append) == [f"{REPORT} is not copied: gone: {REPORT}: there is no such file"]
    assert steps == ["copied 2 documents to the store and the archive"]
    index = json.loads((world.cold / "Documentation/index.json").read_bytes())["documents"]
    assert index.keys() == {"docs/plans/plan.md", "Reports/Daily/2026-01-20_summary.pdf"}


def test_the_round_copies_them_from_a_repository_too(tmp_path: Path) -> None:
    world = World(tmp_path / "world")
    write(tmp_path / "brain.git", {"config/storage.yaml": b"", "docs/a/b.md": b"# B"})
    brain = GitBrain(str(tmp_path / "brain.git"), tmp_path / "mirror", timeout_seconds=30)
    brain.fetch()
    tree = brain.tree("main")
    assert tree is not None
    assert Documents(Round(world.store, world.archive, STORAGE, lambda: NOW), tree).run(lambda _: None) == []
    assert (world.bucket / "documents/docs/a/b.md").read_bytes() == b"# B"
    made: list[str] = []
    make: Callable[[str], None] = made.append
    DailyRound(world.round(), FolderTree(tmp_path / "none"), None).run(make)
    assert not any("document" in step for step in made), "that brain has none"
