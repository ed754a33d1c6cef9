"""Versioned files: nothing written is ever lost, and nothing is written outside of the project.

Covers: nervesys.workspace.contents, nervesys.workspace.disk, nervesys.workspace.paths, nervesys.workspace.versions.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nervesys.errors import NervesysError
from nervesys.workspace import Files
from nervesys.workspace.contents import hash_of

DAY = 86_400


class ManualClock:
    """A clock set by hand."""

    now = 1_769_854_500.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def files(tmp_path: Path, clock: ManualClock) -> Iterator[Files]:
    opened = Files(tmp_path, author="grok", clock=clock)
    yield opened
    opened.close()


def contents(folder: Path) -> list[Path]:
    return list((folder / "versions/contents").glob("??/*"))


def test_each_write_is_a_version_that_can_be_had_back(files: Files, tmp_path: Path) -> None:
    first = files.write("docs/plan.md", "one\ntwo\n")
    second = files.write("docs/plan.md", "one\nthree\n", author="gimai")
    assert (first.prev, second.prev) == (None, first.id)
    assert (first.author, second.author, second.size) == ("grok", "gimai", 10)
    assert second.hash == hash_of(b"one\nthree\n")
    assert files.history("docs/plan.md") == [first, second]
    assert files.read("docs/plan.md") == b"one\nthree\n"
    assert files.read("docs/plan.md", first.id) == b"one\ntwo\n"
    assert (tmp_path / "files/docs/plan.md").read_text() == "one\nthree\n"
    assert files.diff("docs/plan.md", first.id).splitlines()[3:] == [" one", "-two", "+three"]
    third = files.restore("docs/plan.md", first.id)
    assert (third.hash, third.prev) == (first.hash, second.id)
    assert [version.path for version in files.list()] == ["docs/plan.md"]


def test_a_content_is_stored_once_and_the_same_again_is_no_version(files: Files, tmp_path: Path) -> None:
    assert files.write("a", b"same") == files.write("a", "same")
    files.write("b", "same")
    assert len(contents(tmp_path)) == 1
    assert len(files.list()) == 2


def test_a_deleted_file_keeps_its_versions(files: Files, tmp_path: Path) -> None:
    written = files.write("docs/deep/plan.md", "x")
    files.delete("docs/deep/plan.md")
    assert files.list() == []
    assert list((tmp_path / "files").iterdir()) == []
    with pytest.raises(NervesysError, match="was deleted"):
        files.read("docs/deep/plan.md")
    files.restore("docs/deep/plan.md", written.id)
    assert files.read("docs/deep/plan.md") == b"x"
    assert len(files.history("docs/deep/plan.md")) == 3


@pytest.mark.parametrize(
    "path",
    ["", ".", "..", "../x", "a/../x", "a//b", "a/", "/etc/passwd", "a\\b", "a\0b", "a\nb", "x" * 256, "d/" * 600 + "x"],
)
def test_paths_that_lead_elsewhere_are_refused(files: Files, path: str) -> None:
    for operation in (lambda: files.write(path, "x"), lambda: files.delete(path), lambda: files.history(path)):
        with pytest.raises(NervesysError, match="use the path"):
            operation()


def test_symbolic_links_that_lead_out_are_refused(files: Files, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "files/link").symlink_to(tmp_path / "outside")
    (tmp_path / "files/file").symlink_to(tmp_path / "outside/file")
    for path in ("link/x", "file"):
        with pytest.raises(NervesysError, match="leads out of the workspace"):
            files.write(path, "x")
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_file_is_no_folder(files: Files) -> None:
    files.write("a", "x")
    files.write("b/c", "x")
    with pytest.raises(NervesysError, match=r"write a/b: Not a directory|write a/b: File exists"):
        files.write("a/b", "x")
    with pytest.raises(NervesysError, match="write b: it is a folder"):
        files.write("b", "x")
    assert [version.path for version in files.list()] == ["a", "b/c"]


@pytest.mark.parametrize(("path", "version"), [("none", None), ("a", "01ARZ3NDEKTSV4RRFFQ69G5FAV")])
def test_a_missing_file_or_version_is_an_error(files: Files, path: str, version: str | None) -> None:
    files.write("a", "x")
    with pytest.raises(NervesysError, match=r"there is no such file|it has no version"):
        files.read(path, version)


def test_writers_see_each_other(files: Files, tmp_path: Path, clock: ManualClock) -> None:
    other = Files(tmp_path, author="gimai", clock=clock)
    first = files.write("a", "one")
    second = other.write("a", "two")
    assert files.write("a", "three").prev == second.id
    assert second.prev == first.id
    other.close()


def test_a_content_that_was_changed_on_disk_is_not_served(files: Files, tmp_path: Path) -> None:
    files.write("a", "one")
    contents(tmp_path)[0].write_bytes(b"two")
    with pytest.raises(NervesysError, match="it is damaged"):
        files.read("a")


def test_a_write_cut_short_is_finished_and_an_edit_by_hand_is_left(tmp_path: Path) -> None:
    shown = tmp_path / "files/a"
    for found, then in ((b"one", b"two"), (None, b"two"), (b"by hand", b"by hand")):
        files = Files(tmp_path, author="grok")
        files.write("a", "one")
        files.write("a", "two")
        files.close()
        shown.unlink() if found is None else shown.write_bytes(found)
        Files(tmp_path, author="grok").close()
        assert shown.read_bytes() == then


def test_a_damaged_version_costs_only_itself(files: Files, tmp_path: Path) -> None:
    files.write("a", "one")
    log = tmp_path / "versions/versions.log"
    log.write_bytes(log.read_bytes() + b'{"what":1}\nnot json\n')
    second = files.write("a", "two")
    reopened = Files(tmp_path, author="grok")
    assert reopened.history("a")[-1] == second
    reopened.close()


def test_clean_up_goes_by_age_and_number_and_never_takes_the_last(
    files: Files, tmp_path: Path, clock: ManualClock
) -> None:
    for day in range(5):
        files.write("a", f"{day}")
        clock.now += DAY
    lone = files.write("b", "alone")
    clock.now += 100 * DAY
    held = files.history("a")[0]
    assert files.clean(count=3, keep={held.id}) == 1
    assert [files.read("a", version.id) for version in files.history("a")] == [b"0", b"2", b"3", b"4"]
    assert files.clean(days=1) == 3
    assert [files.read("a", version.id) for version in files.history("a")] == [b"4"]
    assert files.history("b") == [lone]
    assert len(contents(tmp_path)) == 2
    assert files.clean(days=1, count=1) == 0
    again = Files(tmp_path, author="grok", clock=clock)
    assert [version.hash for version in again.history("a")] == [hash_of(b"4")]
    again.close()


def test_contents_of_old_versions_are_gzipped_and_read_all_the_same(
    files: Files, tmp_path: Path, clock: ManualClock
) -> None:
    old = files.write("log", "a line\n" * 1000)
    tiny = files.write("tiny", "x")
    files.write("log", "newer\n" * 1000)
    files.write("tiny", "y")
    clock.now += 8 * DAY
    files.write("log", "newest\n" * 1000)
    assert files.compress(days=7) == 2
    names = {file.name for file in contents(tmp_path)}
    assert f"{old.hash}.gz" in names
    assert old.hash not in names
    assert tiny.hash in names, "it would not be smaller"
    assert files.read("log", old.id) == b"a line\n" * 1000
    assert files.compress(days=7) == 0
    assert files.restore("log", old.id).hash == old.hash
    assert len(contents(tmp_path)) == len(names), "a content is stored once, gzipped or not"
    assert files.clean(count=1) == 4
    assert files.read("log") == b"a line\n" * 1000


def test_gzipping_ends_with_its_time(files: Files, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write("log", "a line\n" * 1000)
    files.write("log", "newer")
    clock.now += 8 * DAY
    monkeypatch.setattr("nervesys.workspace.files.COMPRESS_SECONDS", 0)
    assert files.compress(days=7) == 0, "an agent that stops must end soon"
    monkeypatch.undo()
    assert files.compress(days=7) == 1


def test_a_gzipped_content_that_is_damaged_is_named(files: Files, tmp_path: Path, clock: ManualClock) -> None:
    old = files.write("log", "a line\n" * 1000)
    files.write("log", "newer")
    clock.now += 8 * DAY
    files.compress(days=7)
    (packed,) = (file for file in contents(tmp_path) if file.suffix == ".gz")
    packed.write_bytes(packed.read_bytes()[:20])
    with pytest.raises(NervesysError, match="is damaged"):
        files.read("log", old.id)


def test_a_file_that_cannot_be_read_costs_only_itself(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("locked.txt", "open.txt"):
        (tmp_path / "files" / name).write_text(name)
    opened = Path.open

    def refuse(path: Path, *mode: Any, **more: Any) -> Any:
        if path.name == "locked.txt":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *mode, **more)

    monkeypatch.setattr(Path, "open", refuse)
    assert [version.path for version in files.take_over()] == ["open.txt"]
    assert "locked.txt" in caplog.text


def test_a_file_too_large_for_memory_is_left_as_it_is(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("nervesys.workspace.files.TAKE_OVER_BYTES", 2 << 20)
    (tmp_path / "files/small.bin").write_bytes(b"x" * (2 << 20))
    with (tmp_path / "files/huge.bin").open("wb") as file:
        file.truncate(1 << 34)
    assert [version.path for version in files.take_over()] == ["small.bin"]
    assert "huge.bin has more than 2 MB; store it as an artifact" in caplog.text
