"""The files of a project's folder, for copying it to the store: immutable ones, and logs that grow.

Locks, temporary files and `files/` are neither; they can be recreated.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from nervesys.errors import NervesysError
from nervesys.workspace.contents import Contents
from nervesys.workspace.disk import replace
from nervesys.workspace.paths import inside
from nervesys.workspace.segments import Segments
from nervesys.workspace.versions import NAME, VersionIndex

LOGS = ("history", f"{NAME}/{NAME}")
GROWING = tuple(f"{log}{end}" for log in LOGS for end in (".log", ".torn"))
FINAL = re.compile(
    rf"(history|{NAME}/{NAME})\.\d{{6,}}\.log(\.gz)?"
    rf"|{NAME}/contents/[0-9a-f]{{2}}/[0-9a-f]{{64}}(\.gz)?"
    r"|snapshots/[0-9A-Z]{26}\.json"
)
"""Immutable files."""

State = tuple[int, int]
"""A file's size and mtime, which change with every write."""


def scan_files(root: Path, put: Mapping[str, State]) -> tuple[dict[str, tuple[State, bytes]], dict[str, State]]:
    """The growing logs, with their complete lines if they have changed, and the immutable files.

    Repeated if a segment was closed meanwhile, because its lines would be in both or in neither.
    """
    while True:
        ends = _ends(root)
        growing = {name: found for name in GROWING if (found := _whole_lines(root / name, put.get(name)))}
        final = dict(_final(root))
        if ends == _ends(root):
            return growing, final


def _ends(root: Path) -> list[int]:
    return [Segments((root / name).parent, Path(name).name).end().segment for name in LOGS]


def _whole_lines(path: Path, known: State | None) -> tuple[State, bytes] | None:
    try:
        state = _state(path)
        body = path.read_bytes() if state != known else b""
    except FileNotFoundError:
        return None
    return state, body[: body.rfind(b"\n") + 1]


def _final(root: Path) -> Iterator[tuple[str, State]]:
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        if FINAL.fullmatch(name):
            with suppress(FileNotFoundError):
                yield name, _state(path)


def _state(path: Path) -> State:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def has_content(folder: Path) -> bool:
    """Whether a folder holds a project: any file that is not empty."""
    return any(path.is_file() and path.stat().st_size for path in folder.rglob("*"))


def recreate_plain_files(root: Path) -> None:
    """Recreate the plain files in `files/` from the newest versions."""
    index, contents = VersionIndex(Segments(root / NAME, NAME)), Contents(root / NAME / "contents")
    index.refresh()
    for version in index.current():
        with suppress(NervesysError):  # `Files.read` reports a content that is damaged or missing
            replace(inside(root / "files", version.path), contents.get(version.hash or ""))
