"""Reads the numbered JSON files in which other programs keep what a project was: versions and snapshots.

    versions/ver-001.json     {"version": 1, "timestamp": 1767225600, "path": "plan.md", "content": "# Plan"}
    snapshots/snap-001.json   {"id": "snap-001", "timestamp": "2026-01-01T00:00:00Z", "files": {"plan.md": "sha256:…"}}

No text fixes their form, so that usual spellings are accepted; `docs/how-to/keep-a-workspace.md` lists them.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from nervesys.contract.times import parse_instant
from nervesys.errors import NervesysError
from nervesys.workspace.contents import Contents, hash_of
from nervesys.workspace.paths import clean, inside

FILE_BYTES = 96 << 20
"""Largest numbered file: a content of 64 MB in Base64, and its fields."""
CONTENT_BYTES = 64 << 20
"""Largest content, and largest plain file that is compared with a hash."""
HASH = re.compile(r"(?:sha-?256:)?([0-9a-f]{64})", re.IGNORECASE)
PATHS, IDS = ("path", "file"), ("id", "version", "version_id", "number")
HASHES, AUTHORS = ("hash", "checksum", "sha256"), ("author", "agent_id", "agent")


class EarlierFile(NamedTuple):
    """A file at an instant.

    Attributes:
        path: relative to `files/`.
        hash: SHA-256 of the content, which is stored; None for a deletion.
        size: of the content, in bytes.
        at: Unix seconds.
        author: empty where none is named.
    """

    path: str
    hash: str | None
    size: int
    at: float
    author: str


class NumberedFile(NamedTuple):
    """What a numbered file holds.

    Attributes:
        at: Unix seconds.
        label: of a snapshot; the file's own name where it has none.
        files: at that instant.
    """

    at: float
    label: str
    files: list[EarlierFile]


@dataclass
class NumberedFiles:
    """Reads numbered files one after the other, versions first: snapshots may name versions.

    Attributes:
        files: folder of the plain files, in which a content that only its hash names is looked for.
        contents: in which contents are stored.
    """

    files: Path
    contents: Contents
    _versions: dict[tuple[str, str], EarlierFile] = field(default_factory=dict)

    def read(self, file: Path) -> NumberedFile:
        """Read one, and store its contents.

        Raises:
            NervesysError: it is not of the form; the message names what is wrong.
            OSError: it cannot be read.
        """
        record = _load(file)
        at = _instant(record, None)
        found = [self._file(part, at, path) for path, part in _parts(record)]
        for id_ in (file.stem, *(str(record[name]) for name in IDS if name in record)):
            self._versions.update({(earlier.path, id_): earlier for earlier in found})
        label = record.get("label") or record.get("name") or record.get("id")
        return NumberedFile(at, label if isinstance(label, str) else file.stem, found)

    def _file(self, part: object, at: float, path: str | None) -> EarlierFile:
        fields: Mapping[str, Any] = part if isinstance(part, dict) else {"value": part}
        path = path or _text(fields, PATHS)
        if not path:
            raise NervesysError("no `path` or `file`")
        path = clean(path.removeprefix("files/"))
        at, author = _instant(fields, at), _text(fields, AUTHORS)
        if fields.get("deleted") is True:
            return EarlierFile(path, None, 0, at, author)
        value = fields["value"] if "value" in fields else fields.get("version")
        known = self._versions.get((path, str(value)))
        body = _body(fields)
        if body is None and known is not None and not _text(fields, HASHES):
            return known._replace(at=at)
        return self._stored(path, body, fields, at, author)

    def _stored(self, path: str, body: bytes | None, fields: Mapping[str, Any], at: float, author: str) -> EarlierFile:
        value = fields.get("value")
        written = _text(fields, HASHES) or (value if isinstance(value, str) else "")
        match = HASH.fullmatch(written)
        if body is None and match:
            body = self._find(path, match[1].lower())
        elif body is None and isinstance(value, str):
            body = value.encode()
        if body is None:
            raise NervesysError(f"{path}: no `content`, `content_base64`, `hash` or known version")
        if len(body) > CONTENT_BYTES:
            raise NervesysError(f"{path}: its content has more than {CONTENT_BYTES >> 20} MB")
        hash_ = hash_of(body)
        if match and "value" not in fields and match[1].lower() != hash_:
            raise NervesysError(f"{path}: its content does not match its hash")
        return EarlierFile(path, self.contents.put(body), len(body), at, author)

    def _find(self, path: str, hash_: str) -> bytes:
        """The content with a hash: stored already, or a plain file."""
        try:
            return self.contents.get(hash_)
        except NervesysError:
            pass
        for name in (path, hash_):
            target = inside(self.files, name)
            if target.is_file() and target.stat().st_size <= CONTENT_BYTES:
                body = target.read_bytes()
                if hash_of(body) == hash_:
                    return body
        raise NervesysError(f"{path}: no content with the hash {hash_[:12]}… lies under files/")


def _load(file: Path) -> Mapping[str, Any]:
    if file.is_symlink():
        raise NervesysError("it is a symbolic link")
    if file.stat().st_size > FILE_BYTES:
        raise NervesysError(f"more than {FILE_BYTES >> 20} MB")
    try:
        record = orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError as err:
        raise NervesysError(str(err)) from err
    if not isinstance(record, dict):
        raise NervesysError("no JSON object")
    return record


def _parts(record: Mapping[str, Any]) -> Iterator[tuple[str | None, object]]:
    """Each file of a record, with its path where the record has it as a key."""
    files = record.get("files", record if any(name in record for name in PATHS) else None)
    if files is record:
        yield None, record
    elif isinstance(files, dict):
        yield from files.items()
    elif isinstance(files, list) and all(isinstance(part, dict) for part in files):
        yield from ((None, part) for part in files)
    else:
        raise NervesysError("no `path`, and no `files` as a mapping or a list of objects")


def _instant(fields: Mapping[str, Any], default: float | None) -> float:
    value = fields.get("timestamp", default)
    if value is None:
        raise NervesysError("no `timestamp`")
    return parse_instant(value)


def _body(fields: Mapping[str, Any]) -> bytes | None:
    """The content as it is written down; None if it is not."""
    content, packed = fields.get("content"), fields.get("content_base64")
    if isinstance(content, str):
        return content.encode()
    if content is not None:
        raise NervesysError("`content` is no text; use `content_base64` for bytes")
    if packed is None:
        return None
    try:
        return base64.b64decode(packed, validate=True)
    except (TypeError, ValueError, binascii.Error) as err:
        raise NervesysError(f"`content_base64`: {err}") from err


def _text(fields: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """The first of these fields that is text; empty without one."""
    return next((fields[name] for name in names if isinstance(fields.get(name), str)), "")
