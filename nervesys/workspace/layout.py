"""A project's folder as whoever copies it sees it: what never changes once it is there, and what grows.

Locks, half-written files and `files/` are neither: they are made anew.
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
from nervesys.workspace.versions import NAME, Ledger

LOGS = ("history", f"{NAME}/{NAME}")
GROWING = tuple(f"{log}{end}" for log in LOGS for end in (".log", ".torn"))
FINAL = re.compile(
    rf"(history|{NAME}/{NAME})\.\d{{6,}}\.log(\.gz)?"
    rf"|{NAME}/contents/[0-9a-f]{{2}}/[0-9a-f]{{64}}"
    r"|snapshots/[0-9A-Z]{26}\.json"
)
"""Files that never change once they are there."""

State = tuple[int, int]
"""A file's size and time; other than before where it was written to."""


def seen(root: Path, put: Mapping[str, State]) -> tuple[dict[str, tuple[State, bytes]], dict[str, State]]:
    """The logs that grow, with their whole lines where they have grown, and all other files.

    Looks again where a segment was sealed meanwhile: its lines would be in neither, or in both.
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


def holds_anything(folder: Path) -> bool:
    """Whether a project is there; folders and empty files are none."""
    return any(path.is_file() and path.stat().st_size for path in folder.rglob("*"))


def show_files(root: Path) -> None:
    """Lay the newest contents into `files/`, where people look for them."""
    ledger, contents = Ledger(Segments(root / NAME, NAME)), Contents(root / NAME / "contents")
    ledger.learn()
    for version in ledger.current():
        with suppress(NervesysError):  # a content that is damaged or gone is told to who reads it
            replace(inside(root / "files", version.path), contents.get(version.hash or ""))
