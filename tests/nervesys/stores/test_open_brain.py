"""Opening a brain: a repository, its last good copy, or a folder; and what has no configuration at all."""

import logging
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest

from nervesys.errors import BrainUnavailable, NervesysError, SettingsError
from nervesys.settings import FolderTree, StartupSettings, load
from nervesys.stores.open_brain import open_brain, open_tree
from tests.brains import write

FORMS = pytest.mark.parametrize("form", ["{}", "file://{}"], ids=["path", "file url"])


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    path = tmp_path / "brain.git"
    write(path, {"config/agents/grok.yaml": b"agent: {name: grok}\n", "README.md": b"hello\n"})
    return path


def rename_branch(remote: Path) -> None:
    pygit2.Repository(str(remote)).branches["main"].rename("trunk")


def remove_configuration(remote: Path) -> None:
    write(remote, {"config/agents/grok.yaml": None})


def empty(remote: Path) -> None:
    pygit2.Repository(str(remote)).branches.delete("main")


ABSENCES = pytest.mark.parametrize(
    ("absence", "message"),
    [
        pytest.param(rename_branch, "there is no branch main", id="branch renamed"),
        pytest.param(empty, "there is no branch main", id="no branch"),
        pytest.param(remove_configuration, r"commit \w+ of main of .*: there is no folder config/", id="no config"),
    ],
)


@ABSENCES
def test_a_brain_without_configuration_is_no_empty_fleet(
    remote: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    absence: Callable[[Path], None],
    message: str,
) -> None:
    place = StartupSettings(tmp_path / "home", str(remote))
    open_tree(place, "test")
    absence(remote)
    for _ in range(2):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert list(load(open_tree(place, "test")).agents) == ["grok"]
        assert re.search(message, caplog.text)
        assert "the last good copy is used, commit" in caplog.text
    with pytest.raises(BrainUnavailable, match=message):
        open_tree(place, "another")
    write(remote, {"config/agents/gimai.yaml": b"agent: {}\n"})
    assert "gimai" in load(open_tree(place, "test")).agents


def test_an_empty_repository_has_no_configuration(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--bare", "-q", str(tmp_path / "empty.git")], check=True)
    with pytest.raises(BrainUnavailable, match="there is no branch main"):
        open_tree(StartupSettings(tmp_path / "home", str(tmp_path / "empty.git")), "test")


def test_a_folder_without_configuration_is_no_empty_fleet(tmp_path: Path) -> None:
    with pytest.raises(BrainUnavailable, match="there is no folder config/"):
        open_tree(StartupSettings(tmp_path / "home", str(tmp_path)), "test")


@pytest.mark.parametrize(
    "url",
    [
        "https://ghp_s3cret@host/brain.git",
        "https://me:s3cret@host/brain.git",
        "ssh://me:s3cret@host/brain.git",
        "ssh://me:s3cret@[host/brain.git",
    ],
)
def test_credentials_in_a_url_are_refused_and_not_printed(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError, match="the URL holds a token or a password") as wrong:
        open_tree(StartupSettings(tmp_path, url), "test")
    assert "s3cret" not in str(wrong.value)


def test_a_user_in_a_url_of_ssh_is_permitted(tmp_path: Path) -> None:
    assert open_brain(StartupSettings(tmp_path, "ssh://git@host/brain.git"), "test") is not None
    assert open_brain(StartupSettings(tmp_path, "git@host:brain.git"), "test") is not None


def test_a_password_in_a_mistyped_url_is_not_printed(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as wrong:
        open_tree(StartupSettings(tmp_path, "me:s3cret@host:brain.git"), "test")
    assert "s3cret" not in str(wrong.value)


@FORMS
def test_out_of_reach_the_last_good_copy_is_used_and_reported(
    remote: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, form: str
) -> None:
    place = StartupSettings(tmp_path / "home", form.format(remote))
    assert list(load(open_tree(place, "test")).agents) == ["grok"]
    shutil.rmtree(remote)
    with caplog.at_level(logging.WARNING):
        assert list(load(open_tree(place, "test")).agents) == ["grok"]
    assert "the last good copy is used, commit" in caplog.text
    with pytest.raises(NervesysError, match=r"does not appear to be a git repository|nor an existing folder"):
        open_tree(place, "another")


def test_the_mirror_of_another_brain_is_no_copy_of_this_one(remote: Path, tmp_path: Path) -> None:
    open_tree(StartupSettings(tmp_path / "home", str(remote)), "test")
    with pytest.raises(BrainUnavailable):
        open_tree(StartupSettings(tmp_path / "home", f"file://{tmp_path}/nowhere.git"), "test")


def test_a_plain_folder_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "storage.yaml").touch()
    place = StartupSettings(tmp_path / "home", str(tmp_path))
    assert open_tree(place, "test") == FolderTree(tmp_path)
    assert open_brain(place, "test") is None


def test_a_repository_that_became_a_plain_folder_is_read_as_one(remote: Path, tmp_path: Path) -> None:
    place = StartupSettings(tmp_path / "home", str(remote))
    open_tree(place, "test")
    shutil.rmtree(remote)
    (remote / "config" / "agents").mkdir(parents=True)
    (remote / "config" / "agents" / "grok.yaml").touch()
    assert open_tree(place, "test") == FolderTree(remote)


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nor an existing folder"):
        open_tree(StartupSettings(tmp_path, str(tmp_path / "none")), "test")


def test_a_work_tree_is_read_at_its_commit(remote: Path, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    subprocess.run(["git", "clone", "-q", "-b", "main", str(remote), str(checkout)], check=True)
    (checkout / "README.md").write_text("not committed")
    assert open_tree(StartupSettings(tmp_path / "home", str(checkout)), "test").read("README.md") == b"hello\n"


def test_the_branches_are_named_before_the_brain_can_be_read(remote: Path, tmp_path: Path) -> None:
    write(remote, {"README.md": b"trunk\n", "config/thresholds.yaml": b""}, branch="trunk")
    environ = {"NERVESYS_BRAIN_BRANCH": "trunk", "NERVESYS_STATE_BRANCH": "trunk"}
    place = StartupSettings(tmp_path / "home", str(remote))
    assert open_tree(place, "test", environ=environ).read("README.md") == b"trunk\n"
