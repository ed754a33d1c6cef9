"""What every archive must do: one suite, over a folder and over Google Drive's emulator.

Covers: nervesys.stores.archive, nervesys.stores.open_archive, nervesys.stores.folder.
"""

import errno
import os
from io import BytesIO
from pathlib import Path

import pytest

from nervesys.errors import ArchiveFull, ArchiveUnavailable, BadObject, SettingsError
from nervesys.settings import load
from nervesys.settings.storage import ArchiveSettings
from nervesys.stores.archive import Archive, Catalogue, Changes, Entry, files_of
from nervesys.stores.drive import DriveArchive
from nervesys.stores.folder import FolderArchive
from nervesys.stores.open_archive import open_archive
from tests.drive_mock import archive_in

LOG = "Archive/logs/2026/01/server-1_2026-01-01_errors.json.gz"
BACKUP = "Backups/full_backup_2026-01-01.tar.gz"


@pytest.fixture(params=["folder", "drive"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Archive:
    if request.param == "folder":
        return FolderArchive(tmp_path)
    return archive_in(request.getfixturevalue("drive_url"))


def paths(archive: Archive) -> dict[str, int]:
    catalogue = Catalogue(archive.root)
    catalogue.apply(archive.list())
    return {file.path: file.size for file in catalogue.files()}


def test_an_empty_archive_holds_nothing(archive: Archive) -> None:
    assert paths(archive) == {}


def test_files_are_found_by_the_path_they_were_put_at(archive: Archive) -> None:
    archive.put(LOG, b"one")
    archive.put(BACKUP, BytesIO(b"a backup"))
    archive.put("Documentation/it's a \\ name.txt", b"")
    assert paths(archive) == {LOG: 3, BACKUP: 8, "Documentation/it's a \\ name.txt": 0}
    assert archive.get(BACKUP, max_bytes=8) == b"a backup"


def test_the_files_below_one_folder_are_listed_without_the_others(archive: Archive) -> None:
    for path in ("logs/2026/03/a", "logs/2026/03/deep/b", "logs/2026/04/c", "top"):
        archive.put(path, b"1")
    assert sorted(file.path for file in archive.files("logs/2026/03/")) == ["logs/2026/03/a", "logs/2026/03/deep/b"]
    assert sorted(file.path for file in archive.files("")) == sorted(file.path for file in files_of(archive))
    assert list(archive.files("logs/2027/")) == []


def test_a_file_is_replaced_not_doubled(archive: Archive) -> None:
    archive.put(LOG, b"one")
    archive.put(LOG, b"another")
    assert paths(archive) == {LOG: 7}
    assert archive.get(LOG, max_bytes=100) == b"another"


def test_what_is_deleted_is_gone_and_deleting_it_again_is_no_mistake(archive: Archive) -> None:
    archive.put(LOG, b"one")
    archive.delete(LOG)
    archive.delete(LOG)
    archive.delete("no/such/folder")
    assert paths(archive) == {}
    with pytest.raises(BadObject, match="gone"):
        archive.get(LOG, max_bytes=100)


def test_a_file_beyond_its_limit_is_refused(archive: Archive) -> None:
    archive.put(LOG, b"one")
    with pytest.raises(BadObject, match="too_large"):
        archive.get(LOG, max_bytes=2)


def test_a_file_of_any_size_is_a_stream(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nervesys.stores.drive.DOWNLOAD_BYTES", 1000)
    for body in (b"", b"x", b"0123456789" * 200, b"0123456789" * 225):  # two whole pieces, and a rest
        archive.put(BACKUP, body)
        with archive.open(BACKUP) as stream:
            assert stream.read() == body
            assert stream.seek(0, 2) == len(body)
    with pytest.raises(BadObject, match="gone"), archive.open(LOG):
        pytest.fail("it was opened")


def test_the_quota_is_in_bytes(archive: Archive) -> None:
    quota = archive.quota()
    assert {"limit", "used"} <= quota.keys() <= {"limit", "used", "trash"}
    assert 0 <= quota["used"] < quota["limit"]


def test_a_folder_that_is_not_there_is_an_archive_out_of_reach(tmp_path: Path) -> None:
    with pytest.raises(ArchiveUnavailable, match="no folder"):
        FolderArchive(tmp_path / "none").list()


def test_a_full_disk_raises_an_error_and_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    archive = FolderArchive(tmp_path)
    archive.put(LOG, b"one")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ArchiveFull, match=f"put {LOG}: No space left on device"):
        archive.put(LOG, b"another")
    assert [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()] == [b"one"]


def test_half_written_files_are_not_listed(tmp_path: Path) -> None:
    (tmp_path / ".part").write_bytes(b"half")
    assert paths(FolderArchive(tmp_path)) == {}


def test_a_path_is_rebuilt_from_parents_whatever_their_order() -> None:
    def folder(name: str, parent: str) -> Entry:
        return Entry(name, name, parent, None, 0)

    file = Entry("1", "x.gz", "2026", 5, 7.0)
    catalogue = Catalogue(
        "root", [file, folder("2026", "logs"), folder("logs", "root"), folder("a", "b"), folder("b", "a")]
    )
    assert [(found.path, found.size, found.modified) for found in catalogue.files()] == [("logs/2026/x.gz", 5, 7.0)]
    catalogue.apply(Changes((Entry("1", "y.gz", "2026", 6, 8.0), Entry("2", "lost.gz", "a", 1, 1.0))))
    assert [found.path for found in catalogue.files()] == ["logs/2026/y.gz"]
    catalogue.apply(Changes((), ("logs",)))
    assert list(catalogue.files()) == []


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"url": "file:///srv/cold%20files"}, FolderArchive),
        ({"url": "gdrive://abc", "api_url": "http://127.0.0.1:1/"}, DriveArchive),
        ({"folder_id": "abc", "api_url": "http://127.0.0.1:1/"}, DriveArchive),
    ],
)
def test_the_url_chooses_the_archive(values: dict[str, str], kind: type) -> None:
    assert isinstance(open_archive(settings(**values)), kind)


DRIVE = {"url": "gdrive://abc"}


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        pytest.param({}, r"archive\.url: set file:///path or gdrive://FOLDER_ID", id="nothing"),
        pytest.param({"url": "s3://bucket"}, r"archive\.url: set file:///path", id="another scheme"),
        pytest.param({"url": "file://here"}, r"archive\.url: set file:///path", id="no absolute path"),
        pytest.param({"url": "http://[x"}, r"archive\.url: set file:///path", id="no URL"),
        pytest.param(DRIVE, "GDRIVE_SERVICE_ACCOUNT_JSON: missing", id="no key"),
        pytest.param({**DRIVE, "service_account_json": "/no/key"}, "read /no/key: No such", id="no such file"),
        pytest.param({**DRIVE, "service_account_json": '{"key": "s3cret"}'}, "not the JSON key", id="no key in it"),
    ],
)
def test_a_wrong_setting_is_reported_without_the_secret(values: dict[str, str], problem: str) -> None:
    with pytest.raises(SettingsError, match=problem) as wrong:
        open_archive(settings(**values))
    assert "s3cret" not in str(wrong.value)


def settings(**values: str) -> ArchiveSettings:
    return ArchiveSettings.model_validate(load().settings.storage.archive.model_dump() | values)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.ESTALE, errno.ELOOP])
@pytest.mark.parametrize("broken", ["", "Archive/logs"])
def test_a_folder_that_cannot_be_read_is_not_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, broken: str
) -> None:
    archive, scandir = FolderArchive(tmp_path), os.scandir
    archive.put(LOG, b"one")

    def failing(path: str) -> object:
        if Path(path) == tmp_path / broken:
            raise OSError(code, os.strerror(code), path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", failing)
    with pytest.raises(ArchiveUnavailable, match=os.strerror(code)):
        archive.list()


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.ESTALE])
def test_a_file_that_cannot_be_looked_at_is_not_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    archive, stat = FolderArchive(tmp_path), Path.stat
    archive.put(LOG, b"one")

    def failing(path: Path, **options: bool) -> object:
        if path == tmp_path / LOG:
            raise OSError(code, os.strerror(code), str(path))
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", failing)
    with pytest.raises(ArchiveUnavailable, match=os.strerror(code)):
        archive.list()


def test_links_to_themselves_are_no_files_and_an_archive_that_is_one_is_unavailable(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path)
    archive.put(LOG, b"one")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert paths(archive) == {LOG: 3}
    looped = FolderArchive(tmp_path / "loop")
    for attempt in (looped.list, looped.quota, lambda: looped.get("a", max_bytes=1)):
        with pytest.raises(ArchiveUnavailable):
            attempt()


def test_of_a_missing_archive_every_question_is_unavailable(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path / "none")
    for attempt in (archive.list, archive.quota):
        with pytest.raises(ArchiveUnavailable):
            attempt()


def test_a_file_below_a_file_is_gone(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path)
    archive.put("a", b"")
    with pytest.raises(BadObject, match="gone"):
        archive.get("a/b", max_bytes=1)
