"""What only Google Drive has: changes since a token, names that are no paths, refusals of many kinds.

Covers: nervesys.stores.drive_http.
"""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import httplib2
import pytest
from google.auth.credentials import AnonymousCredentials
from google.oauth2.credentials import Credentials
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaIoBaseDownload

from nervesys.errors import ArchiveFull, ArchiveUnavailable, BadObject
from nervesys.stores.archive import Catalogue
from nervesys.stores.drive import DriveArchive, convert_error
from nervesys.stores.drive_http import DriveHttp
from tests.drive_mock import archive_in, call
from tests.servers.trickling import PHASES, trickling


def test_after_one_listing_only_changes_are_asked_for(drive_url: str) -> None:
    archive = archive_in(drive_url)
    archive.put("a/one", b"1")
    archive.put("a/two", b"2")
    listing = archive.list()
    catalogue = Catalogue(archive.root)
    catalogue.apply(listing)
    archive.put("a/three", b"333")
    archive.put("a/one", b"11")
    archive.delete("a/two")

    changes = archive.changes(listing.token)

    assert changes is not None
    assert {entry.name for entry in changes.entries} == {"one", "three"}
    assert len(changes.removed) == 1
    catalogue.apply(changes)
    assert {file.path: file.size for file in catalogue.files()} == {"a/one": 2, "a/three": 3}
    quiet = archive.changes(changes.token)
    assert quiet is not None
    assert (quiet.entries, quiet.removed) == ((), ())


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_token_that_drive_forgot_means_to_list_again(
    drive_url: str, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """The emulator forgets none, so the answer is made up."""

    def forgotten(*_: object) -> None:
        error = HttpError(httplib2.Response({"status": status}), b"")
        raise convert_error("list changes", error) from error

    archive = archive_in(drive_url)
    monkeypatch.setattr(archive, "_pages", forgotten)
    assert archive.changes("old") is None


def test_a_truncated_download_raises_an_error(drive_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator sends all of a file, so its end is cut off here."""
    archive = archive_in(drive_url)
    archive.put("one", b"12345")
    monkeypatch.setattr(MediaIoBaseDownload, "next_chunk", lambda self, **_: (self._fd.write(b"12"), True))
    with pytest.raises(ArchiveUnavailable, match="get one: 2 bytes arrived of 5"), archive.open("one"):
        pytest.fail("it was opened")


def test_a_damaged_upload_raises_an_error(drive_url: str) -> None:
    class Changing(BytesIO):
        """Other bytes are sent than were summed up before."""

        def read(self, size: int | None = -1) -> bytes:
            return super().read(size).upper()

    with pytest.raises(ArchiveUnavailable, match="put one: it arrived damaged"):
        archive_in(drive_url).put("one", Changing(b"content"))


@pytest.mark.parametrize("streamed", [False, True], ids=["bytes", "a file"])
def test_what_is_too_large_for_one_request_is_to_be_sent_in_parts(
    drive_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, streamed: bool
) -> None:
    """The emulator takes no parts, so only that they are asked for is seen."""
    monkeypatch.setattr("nervesys.stores.drive.MULTIPART_LIMIT_BYTES", 1000)
    asked: list[str] = []
    request = DriveHttp.request

    def noting(self: DriveHttp, uri: str, *args: Any, **more: Any) -> Any:
        asked.append(uri)
        return request(self, uri, *args, **more)

    def put(path: str, size: int) -> None:
        (tmp_path / "body").write_bytes(b"x" * size)
        with (tmp_path / "body").open("rb") as file:
            archive.put(path, file if streamed else file.read())

    archive = archive_in(drive_url)
    monkeypatch.setattr(DriveHttp, "request", noting)
    put("one", 1000)
    assert "uploadType=multipart" in asked[-1]
    with pytest.raises(ArchiveUnavailable, match="HTTP 400"):
        put("two", 1001)
    assert "uploadType=resumable" in asked[-1]


def test_a_file_that_moved_or_was_destroyed_is_seen(drive_url: str) -> None:
    archive = archive_in(drive_url)
    archive.put("from/one", b"1")
    archive.put("to/two", b"2")
    listing = archive.list()
    ids = {entry.name: entry.id for entry in listing.entries}
    call(drive_url, "PATCH", f"drive/v3/files/{ids['one']}?addParents={ids['to']}&removeParents={ids['from']}", {})
    call(drive_url, "DELETE", f"drive/v3/files/{ids['two']}", {})
    changes = archive.changes(listing.token)
    assert changes is not None
    catalogue = Catalogue(archive.root, listing.entries)
    catalogue.apply(changes)
    assert [file.path for file in catalogue.files()] == ["to/one"]


def test_a_long_listing_takes_several_pages(drive_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nervesys.stores.drive.PAGE", 2)
    archive = archive_in(drive_url)
    for number in range(5):
        call(drive_url, "POST", "drive/v3/files", {"name": str(number), "parents": [archive.root]})
    catalogue = Catalogue(archive.root)
    catalogue.apply(archive.list())
    assert sorted(file.path for file in catalogue.files()) == ["0", "1", "2", "3", "4"]


def test_a_name_with_a_slash_passes_for_no_folder(drive_url: str) -> None:
    archive = archive_in(drive_url)
    call(drive_url, "POST", "drive/v3/files", {"name": "Backups/x", "parents": [archive.root]})
    catalogue = Catalogue(archive.root)
    catalogue.apply(archive.list())
    assert [file.path for file in catalogue.files()] == ["Backups\uff0fx"]


def test_wrong_credentials_and_a_missing_folder_raise_errors(drive_url: str) -> None:
    with pytest.raises(ArchiveUnavailable, match="open the folder abc: cannot sign in"):
        _ = DriveArchive("abc", Credentials("wrong"), timeout_seconds=10, api_url=drive_url).root
    with pytest.raises(ArchiveUnavailable, match="open the folder abc: HTTP 404"):
        _ = DriveArchive("abc", Credentials("valid-token"), timeout_seconds=10, api_url=drive_url).root


def test_a_server_that_never_answers_costs_the_time_limit(silent_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nervesys.stores.drive.RETRIES", 0)
    url = f"http://127.0.0.1:{silent_port}/"
    with pytest.raises(ArchiveUnavailable, match=r"timed out after 0\.2 s"):
        _ = DriveArchive("abc", AnonymousCredentials(), timeout_seconds=0.2, api_url=url).root


@pytest.mark.parametrize("phase", ["headers", "body"])
def test_a_server_that_trickles_is_left_at_the_deadline(phase: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nervesys.stores.drive.RETRIES", 0)
    with trickling(PHASES[phase], b"1") as url, pytest.raises(ArchiveUnavailable, match=r"timed out after 0\.2 s"):
        _ = DriveArchive("abc", AnonymousCredentials(), timeout_seconds=0.2, api_url=url).root


def test_too_many_requests_pass_by_waiting(drive_url: str) -> None:
    archive = archive_in(drive_url)
    call(drive_url, "POST", "refuse/1/userRateLimitExceeded", {})
    assert archive.list().token


@pytest.mark.parametrize(
    ("reason", "kind"), [("storageQuotaExceeded", ArchiveFull), ("dailyLimitExceeded", ArchiveUnavailable)]
)
def test_a_quota_that_is_used_up_is_not_asked_again(drive_url: str, reason: str, kind: type[Exception]) -> None:
    archive = archive_in(drive_url)
    call(drive_url, "POST", f"refuse/1/{reason}", {})
    with pytest.raises(kind, match=reason):
        archive.put("one", b"1")
    archive.put("one", b"1")


@pytest.mark.parametrize(
    ("status", "reason", "kind", "text"),
    [
        (403, "storageQuotaExceeded", ArchiveFull, "the archive is full (storageQuotaExceeded)"),
        (403, "userRateLimitExceeded", ArchiveUnavailable, "too many requests (userRateLimitExceeded)"),
        (429, "", ArchiveUnavailable, "too many requests (HTTP 429)"),
        (403, "dailyLimitExceeded", ArchiveUnavailable, "the quota of the day is used up"),
        (403, "insufficientPermissions", ArchiveUnavailable, "insufficientPermissions"),
        (500, "", ArchiveUnavailable, "HTTP 500"),
    ],
)
def test_a_refusal_raises_the_error_of_its_cause(status: int, reason: str, kind: type, text: str) -> None:
    body = {"error": {"errors": [{"reason": reason}], "message": "no"}} if reason else {}
    error = convert_error("put x", HttpError(httplib2.Response({"status": status}), json.dumps(body).encode()))
    assert type(error) is kind
    assert text in str(error)


FILE = {"id": "1", "name": "a", "mimeType": "text/plain", "size": "3", "modifiedTime": "2026-01-01T00:00:00Z"}
NATIVE_TYPES = ("document", "spreadsheet", "shortcut", "form", "map")


@pytest.mark.parametrize("kind", NATIVE_TYPES)
def test_shortcuts_and_documents_are_neither_listed_nor_read_nor_written_onto_nor_deleted(
    drive_url: str, kind: str
) -> None:
    archive = archive_in(drive_url)
    native: dict[str, object] = {
        "name": "one",
        "parents": [archive.root],
        "mimeType": f"application/vnd.google-apps.{kind}",
    }
    made = call(drive_url, "POST", "drive/v3/files", native)
    catalogue = Catalogue(archive.root)
    catalogue.apply(archive.list())
    assert list(catalogue.files()) == []
    with pytest.raises(BadObject, match="gone"):
        archive.get("one", max_bytes=10)
    archive.put("one", b"ours")
    archive.delete("one")
    still = call(drive_url, "GET", f"drive/v3/files/{made['id']}?fields=mimeType,trashed,id", {})
    assert (still["mimeType"], still.get("trashed", False)) == (native["mimeType"], False)


@pytest.mark.parametrize(
    "odd",
    [
        *(
            {key: value for key, value in FILE.items() if key != left}
            for left in ("id", "name", "size", "modifiedTime")
        ),
        FILE | {"size": "many"},
        FILE | {"modifiedTime": "soon"},
    ],
)
def test_a_file_that_lacks_a_part_costs_itself_alone(
    drive_url: str, monkeypatch: pytest.MonkeyPatch, odd: dict[str, str]
) -> None:
    archive = archive_in(drive_url)
    good = FILE | {"id": "2", "name": "b"}
    change = {"fileId": "1", "removed": False, "file": odd}
    page = {"files": [odd, good], "changes": [change, {"fileId": "2", "file": good}, {"fileId": "3"}]}
    monkeypatch.setattr(archive, "_pages", lambda *_: iter([page | {"newStartPageToken": "9"}]))
    changes = archive.changes("old")
    assert changes is not None
    for found in (archive.list(), changes):
        assert [entry.name for entry in found.entries] == ["b"]


@pytest.mark.parametrize("name", ["files", "startPageToken", "storageQuota", "mimeType"])
def test_a_response_without_its_content_is_not_empty(
    drive_url: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    archive, known = archive_in(drive_url), archive_in(drive_url)
    execute = archive._execute

    def cut(what: str, request: Any) -> Any:
        return {key: value for key, value in execute(what, request).items() if key != name}

    monkeypatch.setattr(archive, "_execute", cut)
    with pytest.raises(ArchiveUnavailable, match=f"has no {name}"):  # any of them
        archive.list()
        archive.quota()
    assert known.list()


def test_without_a_checksum_what_arrived_is_read(drive_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = archive_in(drive_url)
    execute = archive._execute

    def cut(what: str, request: Any) -> Any:
        return {key: value for key, value in execute(what, request).items() if key != "md5Checksum"}

    monkeypatch.setattr(archive, "_execute", cut)
    archive.put("one", b"content")
    assert archive.get("one", max_bytes=7) == b"content"


def test_a_file_without_a_size_is_unreadable(drive_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = archive_in(drive_url)
    monkeypatch.setattr(archive, "_find", lambda _: [{"id": "1"}])
    with pytest.raises(BadObject, match="names no size"):
        archive.get("one", max_bytes=7)
