"""Settings are loaded again only where something changed."""

from pathlib import Path

import pytest

from nervesys.errors import SettingsError
from nervesys.settings import FolderTree, StartupSettings
from nervesys.stores.open_brain import open_tree
from nervesys.stores.open_stores import load_configuration
from nervesys.stores.reload import Reloader
from tests.brains import write

GROK = {"config/agents/grok.yaml": b"agent: {role: poet}\n"}


@pytest.fixture
def place(tmp_path: Path) -> StartupSettings:
    write(tmp_path / "brain.git", GROK)
    return StartupSettings(tmp_path / "home", str(tmp_path / "brain.git"))


def test_the_same_commit_is_loaded_once(place: StartupSettings, tmp_path: Path) -> None:
    reloader = Reloader()
    loaded = reloader.load(open_tree(place, "test"), profile=None, environ={})
    assert reloader.load(open_tree(place, "test"), profile=None, environ={}) is loaded
    write(tmp_path / "brain.git", {"config/agents/grok.yaml": b"agent: {role: critic}\n"})
    assert reloader.load(open_tree(place, "test"), profile=None, environ={}).agents["grok"].role == "critic"


def test_a_changed_variable_or_its_file_is_loaded(place: StartupSettings, tmp_path: Path) -> None:
    reloader, tree = Reloader(), open_tree(place, "test")
    file = tmp_path / "bucket"
    file.write_text("first")
    environ = {"STORJ_BUCKET_FILE": str(file)}
    assert reloader.load(tree, profile=None, environ=environ).settings.storage.storj.bucket == "first"
    file.write_text("second")
    assert reloader.load(tree, profile=None, environ=environ).settings.storage.storj.bucket == "second"
    assert reloader.load(tree, profile=None, environ={"STORJ_BUCKET": "x"}).settings.storage.storj.bucket == "x"


def test_a_mistake_is_found_again(place: StartupSettings, tmp_path: Path) -> None:
    reloader = Reloader()
    reloader.load(open_tree(place, "test"), profile=None, environ={})
    write(tmp_path / "brain.git", {"config/agents/grok.yaml": b"agent: {enabled: perhaps}\n"})
    for _ in range(2):
        with pytest.raises(SettingsError):
            reloader.load(open_tree(place, "test"), profile=None, environ={})


def test_a_folder_is_loaded_each_time(tmp_path: Path) -> None:
    file = tmp_path / "config" / "agents" / "grok.yaml"
    file.parent.mkdir(parents=True)
    file.touch()
    reloader = Reloader()
    assert list(reloader.load(FolderTree(tmp_path), profile=None, environ={}).agents) == ["grok"]
    file.rename(file.with_name("gimai.yaml"))
    assert list(reloader.load(FolderTree(tmp_path), profile=None, environ={}).agents) == ["gimai"]


def test_a_program_that_reads_its_brain_again_loads_it_once(place: StartupSettings) -> None:
    environ = {"NERVESYS_HOME": str(place.home), "NERVESYS_BRAIN": str(place.brain)}
    first = load_configuration("test", environ)
    assert load_configuration("test", environ).loaded is first.loaded
