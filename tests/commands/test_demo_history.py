"""A history for the stack to look at, and for nobody else."""

from pathlib import Path

import pygit2
import pytest

from commands.demo_history import create
from nervesys.agent.backup.retention import read_state
from nervesys.agent.demo_history import DAYS
from nervesys.contract import format_time
from nervesys.contract.times import DAY_SECONDS
from nervesys.settings import load, shipped_root
from nervesys.stack.layout import Stack
from nervesys.stack.seed import seed
from nervesys.stores.folder import FolderArchive
from tests.brains import NOON


def stack(home: Path, brain: Path, archive: Path) -> Stack:
    archive.mkdir(parents=True)
    seed(brain, shipped_root(), NOON)
    environ = {
        "NERVESYS_HOME": str(home),
        "NERVESYS_BRAIN": str(brain),
        "NERVESYS_ARCHIVE": archive.as_uri(),
        "NERVESYS_SERVER": "host-1",
    }
    return Stack(home=home, socket=home / "socket", environ=environ, services=())


def files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


def test_it_is_made_up_once(tmp_path: Path) -> None:
    own = stack(tmp_path, tmp_path / "brain.git", tmp_path / "archive")
    for _ in range(2):
        create(own, lambda: NOON)
    assert files(tmp_path / "archive") == 4 * DAYS + 3, "the backup has a manifest, and a pack with the archive's index"
    state = read_state(FolderArchive(tmp_path / "archive"), load().settings.storage)
    assert (state.date, state.problems) == (format_time(NOON - DAY_SECONDS)[:10], [])
    tip = pygit2.Repository(str(tmp_path / "brain.git")).branches["state"].peel(pygit2.Commit)
    assert (tip.message, list(tip.parents)) == ("Add generated daily summaries", [])


@pytest.mark.parametrize("where", ["brain", "archive"])
def test_what_is_not_the_stack_s_own_is_left_alone(tmp_path: Path, where: str) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    brain = (elsewhere if where == "brain" else home) / "brain.git"
    archive = (elsewhere if where == "archive" else home) / "archive"
    create(stack(home, brain, archive), lambda: NOON)
    assert (files(archive) == 0) == (where == "archive")
    assert ("state" not in pygit2.Repository(str(brain)).branches) == (where == "brain")
