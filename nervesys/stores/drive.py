"""The archive on Google Drive, through google-api-python-client.

Drive has no paths: files have ids, names and parents. All files are found by one listing and the changes since; for a
single path, its folders are looked up by name, one after the other.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast
from urllib.parse import urljoin

import httplib2
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.exceptions import GoogleAuthError
from google.oauth2 import service_account
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import Error, HttpError
from googleapiclient.http import MediaIoBaseDownload, MediaIoBaseUpload

from nervesys.clients.http_errors import cause
from nervesys.contract.times import parse_instant
from nervesys.errors import ArchiveFull, ArchiveUnavailable, BadObject, Reason, SettingsError, SettingsProblem
from nervesys.settings.secret_file import read_secret_text
from nervesys.settings.storage import ArchiveSettings
from nervesys.stores.archive import CHUNK_BYTES, ArchiveFile, Changes, Entry, stream_of
from nervesys.stores.drive_http import DriveHttp
from nervesys.stores.objects import gone, too_large

READ = "https://www.googleapis.com/auth/drive.readonly"
WRITE = "https://www.googleapis.com/auth/drive"
FOLDER = "application/vnd.google-apps.folder"
NATIVE = "application/vnd.google-apps."
"""Types of what has no content of its own: Google's documents, shortcuts, and folders."""
FILE_FIELDS = "id,name,mimeType,size,modifiedTime,parents,trashed"
RETRIES = 4
PAGE = 1000
MULTIPART_LIMIT_BYTES = 5 << 20
"""Beyond this, Drive wants an upload in parts that can be resumed."""
DOWNLOAD_BYTES = 16 << 20
"""Of a file that one request fetches, and that are in memory."""
ALL_DRIVES = {"supportsAllDrives": True, "includeItemsFromAllDrives": True}
FULL = {"storageQuotaExceeded", "teamDriveFileLimitExceeded", "numChildrenInNonRootLimitExceeded"}
TOKEN_REFUSED = {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
RATE_LIMITED = {"rateLimitExceeded", "userRateLimitExceeded"}
QUOTA_KINDS = {"limit": "limit", "usage": "used", "usageInDriveTrash": "trash"}


def open_drive(settings: ArchiveSettings, folder: str, *, writable: bool) -> "DriveArchive":
    """The archive in a Drive folder.

    Raises:
        SettingsError: there is no service account's key, or it cannot be read.
    """
    key = settings.service_account_json
    if key is not None:
        credentials: Credentials = _service_account(key.get_secret_value(), WRITE if writable else READ)
    elif settings.api_url is not None:
        credentials = AnonymousCredentials()
    else:
        raise _wrong_key("missing: the key of a service account, or the path of its file")
    return DriveArchive(folder, credentials, timeout_seconds=settings.timeout_seconds, api_url=settings.api_url)


def _service_account(key: str, scope: str) -> Credentials:
    """Credentials from a key, or from the path of its file; errors quote the path, never the key."""
    try:
        text = key if key.lstrip().startswith("{") else read_secret_text(Path(key))
    except (OSError, ValueError) as err:
        raise _wrong_key(f"read {key}: {getattr(err, 'strerror', None) or 'not a short text'}") from err
    try:
        account: Credentials = service_account.Credentials.from_service_account_info(json.loads(text), scopes=[scope])
    except (ValueError, GoogleAuthError):
        raise _wrong_key("not the JSON key of a service account") from None
    return account


def _wrong_key(problem: str) -> SettingsError:
    return SettingsError([SettingsProblem("GDRIVE_SERVICE_ACCOUNT_JSON", "", problem)])


class DriveArchive:
    """A folder of Google Drive, in somebody's drive or in a shared one.

    Args:
        folder: its id.
        credentials: of who may read it.
        timeout_seconds: of each attempt of a request, see `DriveHttp`.
        api_url: another server than Google's, such as `http://127.0.0.1:3000/`.
    """

    def __init__(
        self, folder: str, credentials: Credentials, *, timeout_seconds: float, api_url: str | None = None
    ) -> None:
        document = json.loads(get_static_doc("drive", "v3"))
        if api_url:
            document["rootUrl"] = urljoin(api_url, "/")
        self._folder_id = folder
        self._credentials = credentials
        self._seconds = timeout_seconds
        self._drive = build_from_document(document, http=self._http())

    @property
    def root(self) -> str:
        """The folder's real id; `root` is only an alias of one."""
        return str(_part(f"open the folder {self._folder_id}", self._folder_resource, "id"))

    @cached_property
    def _folder_resource(self) -> dict[str, Any]:
        files = self._drive.files()
        request = files.get(fileId=self._folder_id, fields="id,driveId,mimeType", supportsAllDrives=True)
        what = f"open the folder {self._folder_id}"
        response: dict[str, Any] = self._execute(what, request)
        if _part(what, response, "mimeType") != FOLDER:
            raise ArchiveUnavailable(f"{what}: it is a file")
        return response

    def list(self) -> Changes:
        """List everything, with a token from before the listing, so that no change is missed."""
        start = self._drive.changes().getStartPageToken(supportsAllDrives=True, **self._drive_id())
        token = _part("list the archive", self._execute("list the archive", start), "startPageToken")
        request = self._drive.files().list(
            q="trashed = false",
            fields=f"nextPageToken,files({FILE_FIELDS})",
            pageSize=PAGE,
            corpora="drive" if self._drive_id() else "user",
            **self._drive_id(),
            **ALL_DRIVES,
        )
        responses = list(self._pages("list the archive", self._drive.files(), request))
        files = (file for response in responses for file in _part("list the archive", response, "files"))
        return Changes(tuple(filter(None, map(_entry, files))), token=token, pages=1 + len(responses))

    def changes(self, token: str) -> Changes | None:
        """The changes since a token; None if Drive no longer knows the token."""
        request = self._drive.changes().list(
            pageToken=token,
            fields=f"nextPageToken,newStartPageToken,changes(fileId,removed,file({FILE_FIELDS}))",
            pageSize=PAGE,
            **self._drive_id(),
            **ALL_DRIVES,
        )
        try:
            responses = list(self._pages("list changes", self._drive.changes(), request))
        except ArchiveUnavailable as err:
            if isinstance(err.__cause__, HttpError) and err.__cause__.status_code in TOKEN_REFUSED:
                return None
            raise
        return _latest(responses)

    def files(self, folder: str) -> Iterator[ArchiveFile]:
        """The files below one folder; one listing for each folder."""
        parent = self._folder(folder.rstrip("/"))
        waiting = [(folder, parent)] if parent else []
        listed = set()  # a folder with two parents is listed once
        while waiting:
            path, parent = waiting.pop()
            listed.add(parent)
            request = self._drive.files().list(
                q=f"'{parent}' in parents and trashed = false",
                fields=f"nextPageToken,files({FILE_FIELDS})",
                pageSize=PAGE,
                **ALL_DRIVES,
            )
            for response in self._pages(f"list {path}", self._drive.files(), request):
                for entry in filter(None, map(_entry, _part(f"list {path}", response, "files"))):
                    if entry.size is not None:
                        yield ArchiveFile(f"{path}{entry.name}", entry.size, entry.modified)
                    elif entry.id not in listed:
                        waiting.append((f"{path}{entry.name}/", entry.id))

    def quota(self) -> dict[str, int]:
        """The account's limit, use and trash, in bytes."""
        what = "ask for room"
        response = _part(what, self._execute(what, self._drive.about().get(fields="storageQuota")), "storageQuota")
        sizes = {ours: _size(response, theirs) for theirs, ours in QUOTA_KINDS.items()}
        return {kind: size for kind, size in sizes.items() if size is not None}

    def get(self, path: str, *, max_bytes: int) -> bytes:
        """A file's content."""
        if self._newest(path)[1] > max_bytes:
            raise too_large(path, max_bytes)
        with self.open(path) as stream:
            return stream.read()

    @contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        """A file's content as a stream, from a copy that is fetched piece by piece, each again where it fails."""
        what, (id_, size) = f"get {path}", self._newest(path)
        request = self._drive.files().get_media(fileId=id_, supportsAllDrives=True)
        with SpooledTemporaryFile(max_size=CHUNK_BYTES) as copy:
            with self._converted_errors(what), closing(self._http()) as request.http:
                download = MediaIoBaseDownload(copy, request, chunksize=DOWNLOAD_BYTES)
                while copy.tell() < size and not download.next_chunk(num_retries=RETRIES)[1]:
                    pass
            if copy.tell() != size:
                raise ArchiveUnavailable(f"{what}: {copy.tell()} bytes arrived of {size}")
            copy.seek(0)
            yield cast("IO[bytes]", copy)

    def put(self, path: str, body: bytes | IO[bytes]) -> None:
        """Write a file whole; what Drive says it received is compared with what was sent."""
        stream: Any = stream_of(body)
        sent = hashlib.file_digest(stream, "md5").hexdigest()
        resumable = stream.seek(0, os.SEEK_END) > MULTIPART_LIMIT_BYTES
        media = MediaIoBaseUpload(stream, "application/octet-stream", chunksize=CHUNK_BYTES, resumable=resumable)
        common = {"media_body": media, "fields": "md5Checksum", "supportsAllDrives": True}
        folder, _, name = path.rpartition("/")
        parent = self._folder(folder, make=True)
        there = next(iter(self._children(name, parent)), None)
        if there:
            request = self._drive.files().update(fileId=there["id"], body={"name": name}, **common)
        else:
            request = self._drive.files().create(body={"name": name, "parents": [parent]}, **common)
        arrived = self._execute(f"put {path}", request).get("md5Checksum")
        if arrived is None:  # Drive computes it later for some files: then what lies there is read
            with self.open(path) as stored:
                arrived = hashlib.file_digest(stored, "md5").hexdigest()  # type: ignore[arg-type]  # a file that can be read
        if arrived != sent:
            raise ArchiveUnavailable(f"put {path}: it arrived damaged")

    def delete(self, path: str) -> None:
        """Move a file to the trash: that needs fewer rights than deleting, and Drive empties the trash by itself."""
        for file in self._find(path):
            request = self._drive.files().update(fileId=file["id"], body={"trashed": True}, supportsAllDrives=True)
            self._execute(f"delete {path}", request)

    def _newest(self, path: str) -> tuple[str, int]:
        """Id and size of a file; of two with one name, the newer one's.

        Raises:
            BadObject: `gone`, or `unreadable` where Drive names no size.
        """
        file = next(iter(self._find(path)), None)
        if file is None:
            raise gone(path)
        size = _size(file, "size")
        if size is None:
            raise BadObject(Reason.UNREADABLE, f"{path}: Google Drive names no size of it")
        return file["id"], size

    def _find(self, path: str) -> Sequence[dict[str, Any]]:
        folder, _, name = path.rpartition("/")
        parent = self._folder(folder)
        return self._children(name, parent) if parent else ()

    def _folder(self, path: str, *, make: bool = False) -> str | None:
        """The id of a folder; None if it is missing and shall not be created."""
        if not path:
            return self.root
        above, _, name = path.rpartition("/")
        parent = self._folder(above, make=make)
        there = self._children(name, parent, "=") if parent else ()
        if there or not make:
            return there[0]["id"] if there else None
        body = {"name": name, "parents": [parent], "mimeType": FOLDER}
        request = self._drive.files().create(body=body, fields="id", supportsAllDrives=True)
        what = f"make the folder {path}"
        return str(_part(what, self._execute(what, request), "id"))

    def _children(self, name: str, parent: str | None, folders: str = "!=") -> Sequence[dict[str, Any]]:
        """The files (with `=`, the folders) of a name in a folder, newest first; of files, those that have a content.

        A shortcut or a document of Google's is thus neither read, nor written onto, nor deleted.
        """
        quoted = name.replace("\\", r"\\").replace("'", r"\'")
        request = self._drive.files().list(
            q=f"name = '{quoted}' and '{parent}' in parents and mimeType {folders} '{FOLDER}' and trashed = false",
            fields="files(id,size,mimeType)",
            orderBy="modifiedTime desc",
            **ALL_DRIVES,
        )
        files: Sequence[dict[str, Any]] = _part(f"look for {name}", self._execute(f"look for {name}", request), "files")
        return [file for file in files if "id" in file and (folders == "=" or not _is_native(file))]

    def _drive_id(self) -> dict[str, str]:
        return {"driveId": self._folder_resource["driveId"]} if "driveId" in self._folder_resource else {}

    def _pages(self, what: str, resource: Any, request: Any) -> Iterator[dict[str, Any]]:
        while request is not None:
            response = self._execute(what, request)
            yield response
            request = resource.list_next(request, response)

    def _execute(self, what: str, request: Any) -> Any:
        with self._converted_errors(what), closing(self._http()) as http:
            return request.execute(http=http, num_retries=RETRIES)

    @contextmanager
    def _converted_errors(self, what: str) -> Iterator[None]:
        """Turn what may go wrong on the way into our tree."""
        try:
            yield
        except HttpError as err:
            raise convert_error(what, err) from err
        except GoogleAuthError as err:
            raise ArchiveUnavailable(f"{what}: cannot sign in: the key is refused, or Google is unreachable") from err
        except TimeoutError as err:
            raise ArchiveUnavailable(f"{what}: timed out after {self._seconds:g} s") from err
        except (Error, httplib2.HttpLib2Error, HTTPException, OSError, ValueError) as err:
            below = err.__cause__ if isinstance(err, ConnectionError) else None
            raise ArchiveUnavailable(f"{what}: {cause(below if isinstance(below, Exception) else err)}") from err

    def _http(self) -> DriveHttp:
        """A new connection for each request: sessions are not thread-safe, and requests are few."""
        return DriveHttp(self._credentials, self._seconds)


def convert_error(what: str, err: HttpError) -> ArchiveUnavailable:
    """Convert an HTTP error of Drive: archive full, rate limited, daily quota exceeded, or anything else."""
    details = err.error_details
    code = details[0].get("reason", "") if isinstance(details, list) and details else ""
    code_or_status = code or f"HTTP {err.status_code}"
    if code in FULL:
        return ArchiveFull(f"{what}: the archive is full ({code_or_status})")
    if code in RATE_LIMITED or err.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        return ArchiveUnavailable(f"{what}: too many requests ({code_or_status}), given up after {RETRIES} retries")
    if code == "dailyLimitExceeded":
        return ArchiveUnavailable(f"{what}: the quota of the day is used up ({code_or_status})")
    return ArchiveUnavailable(f"{what}: {code_or_status}")


def _part(what: str, response: dict[str, Any], name: str) -> Any:
    """A part of a response without which it says nothing: absent is not empty.

    Raises:
        ArchiveUnavailable: it is absent.
    """
    if name not in response:
        raise ArchiveUnavailable(f"{what}: the response of Google Drive has no {name}")
    return response[name]


def _size(resource: dict[str, Any], name: str) -> int | None:
    """A number that Drive writes as text; None if it is absent or no number."""
    text = str(resource.get(name, ""))
    return int(text) if text.isascii() and text.isdecimal() else None


def _is_native(file: dict[str, Any]) -> bool:
    return str(file.get("mimeType", "")).startswith(NATIVE)


def _latest(responses: Sequence[dict[str, Any]]) -> Changes:
    """The last change of each file over all pages; changes of drives, which name no file, are skipped."""
    what = "list changes"
    changes = [change for response in responses for change in _part(what, response, "changes") if "fileId" in change]
    latest = {change["fileId"]: change for change in changes if change.get("removed") or "file" in change}
    files = [it["file"] for it in latest.values() if not it.get("removed") and not it["file"].get("trashed")]
    entries = tuple(filter(None, map(_entry, files)))
    removed = latest.keys() - {entry.id for entry in entries}
    return Changes(entries, tuple(removed), _part(what, responses[-1], "newStartPageToken"), len(responses))


def _entry(file: dict[str, Any]) -> Entry | None:
    """An entry from a file resource of Drive; None for what is no file of an archive.

    That is a shortcut or a document of Google's, and a file without id, name, size or time: nothing can be read of it.
    A `/` in a name, which Drive allows, is replaced by the full-width slash, so that it does not look like a folder.
    """
    is_folder, size = file.get("mimeType") == FOLDER, _size(file, "size")
    id_, name, modified = (file.get(part) for part in ("id", "name", "modifiedTime"))
    if not isinstance(id_, str) or not isinstance(name, str) or not (id_ and name):
        return None
    if not is_folder and (size is None or _is_native(file)):
        return None
    try:
        at = 0.0 if is_folder and modified is None else parse_instant(modified)
    except BadObject:
        return None
    parents = file.get("parents")
    parent = str(parents[0]) if isinstance(parents, list) and parents else ""
    return Entry(id_, name.replace("/", "\uff0f"), parent, None if is_folder else size, at)
