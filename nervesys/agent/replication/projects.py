"""An agent's workspaces in the store: what is new goes there every few minutes, and comes back on a new server.

    workspace/{agent}/{project}/        as on the disk; logs that grow are packed, and files/ is left out: versions tell
    workspace/{agent}/{project}/origin  whose copy it is: the instance that wrote last

Contents, snapshots and sealed segments never change, so each is uploaded once; of a log that grows, one segment at most
is uploaded again. The logs are read first and uploaded last: what they tell of is there.
"""

import json
import logging
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

from nervesys.errors import BadObject, NervesysError, Reason, StoreUnavailable
from nervesys.stores.objects import ObjectInfo, ObjectStore
from nervesys.stores.packing import pack, unpacked
from nervesys.workspace.contents import hash_of
from nervesys.workspace.disk import replace, sync_folder, told
from nervesys.workspace.layout import FINAL, GROWING, State, holds_anything, seen, show_files

ORIGIN = "origin"
PACKED = ".gz"
MAX_ORIGIN_BYTES = 1000

log = logging.getLogger(__name__)


@dataclass
class Note:
    """What is known of a project's copy.

    Attributes:
        origins: instances whose copy this folder has grown from; the last may be under way.
        put: how each file was when it was uploaded.
    """

    origins: list[str] = field(default_factory=list)
    put: dict[str, State] = field(default_factory=dict)


@dataclass
class Projects:
    """The copies of an agent's workspaces.

    Attributes:
        folder: of all projects on this host.
        notes: folder of what is known of the copies.
        prefix: of a project's keys, ending in `/`.
        store: that keeps the copies.
        me: this instance of the agent.
    """

    folder: Path
    notes: Path
    prefix: Callable[[str], str]
    store: ObjectStore
    me: str
    _known: dict[str, Note] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def open(self, project: str) -> None:
        """Keep a project in the store from now on, and bring it back where nothing of it is here.

        Raises:
            NervesysError: nothing of it is here, and the store does not answer, or its copy is damaged.
        """
        with self._lock, told(f"bring back workspace {project}"):
            if not holds_anything(self.folder / project):
                try:
                    self._bring_back(project)
                except StoreUnavailable as err:
                    raise NervesysError(f"open workspace {project}: it is not here, and {err}") from err
            self._known.setdefault(project, self._read(project))

    def sync(self) -> None:
        """Bring what is new of each open project into the store.

        Raises:
            NervesysError: one could not be brought there; the others are.
        """
        troubles = []
        for project in list(self._known):
            try:
                with self._lock, told(f"copy workspace {project} to the store"):
                    self._sync(project, self._known[project])
            except NervesysError as err:
                troubles.append(f"workspace {project}: {err}")
        if troubles:
            raise NervesysError("; ".join(troubles))

    def _sync(self, project: str, note: Note) -> None:
        root, prefix = self.folder / project, self.prefix(project)
        growing, final = seen(root, note.put)
        changed = [(name, state) for name, state in final.items() if note.put.get(name) != state]
        grown = [(name, state) for name, (state, _) in growing.items() if note.put.get(name) != state]
        gone = [name for name in note.put if name not in final and name not in growing]
        if not changed and not grown and not gone:
            return
        self._take(project, note)
        try:
            for name, state in changed:
                with suppress(FileNotFoundError), (root / name).open("rb") as body:  # cleaned up, or gzipped, meanwhile
                    self.store.put(prefix + name, body)
                    note.put[name] = state
            for name, state in grown:
                self.store.put(f"{prefix}{name}{PACKED}", pack([growing[name][1]], PACKED))
                note.put[name] = state
            for name in gone:
                self.store.delete(prefix + name + (PACKED if name in GROWING else ""))
                del note.put[name]
        finally:
            self._write(project, note)

    def _take(self, project: str, note: Note) -> None:
        """Make the copy this instance's, unless another server has written it since.

        Raises:
            NervesysError: it is another's.
        """
        if note.origins[-1:] == [self.me]:
            return
        there = self._origin(project)
        if there and there not in note.origins:
            raise NervesysError(
                f"the store's copy was written on another server since; move {self.folder / project} away to have that "
                f"one brought back at the next start, or delete {self.prefix(project)} from the store to keep this one"
            )
        note.origins = [*([there] if there else []), self.me]
        self._write(project, note)  # killed after the upload, it is known as ours
        self.store.put(self.prefix(project) + ORIGIN, self.me.encode())

    def _origin(self, project: str) -> str:
        try:
            return self.store.get(self.prefix(project) + ORIGIN, max_bytes=MAX_ORIGIN_BYTES).decode(errors="replace")
        except BadObject as bad:
            if bad.reason is Reason.GONE:
                return ""
            raise

    def _bring_back(self, project: str) -> None:
        prefix, target = self.prefix(project), self.folder / project
        origin = self._origin(project)
        if not origin:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self.folder, prefix=f".{project}-") as temporary:
            root = Path(temporary) / project
            root.mkdir()
            for info in self.store.list(prefix).objects:
                self._fetch(info, info.key.removeprefix(prefix), root)
            show_files(root)
            if target.exists():  # empty, or only folders
                shutil.rmtree(target)
            root.rename(target)
            sync_folder(self.folder)
        growing, final = seen(target, {})
        self._write(project, Note([origin], final | {name: state for name, (state, _) in growing.items()}))
        log.info("workspace %s is brought back from %s", project, prefix)

    def _fetch(self, info: ObjectInfo, name: str, root: Path) -> None:
        """One file, checked as far as its name allows; what is no workspace's stays where it is."""
        plain = name.removesuffix(PACKED)
        if not FINAL.fullmatch(name) and not (name != plain and plain in GROWING):
            return
        path = root / (plain if plain in GROWING else name)
        path.parent.mkdir(parents=True, exist_ok=True)
        packing = name if plain in GROWING else ""
        with self.store.open(info.key) as body, path.open("wb") as file, unpacked(body, packing) as content:
            shutil.copyfileobj(content, file)
        if path.parent.parent.name == "contents" and hash_of(path.read_bytes()) != path.name:
            raise BadObject(Reason.BAD_VALUE, f"{info.key} is damaged")

    def _read(self, project: str) -> Note:
        """What was noted; nothing where no note can be read."""
        try:
            said = json.loads((self.notes / f"{project}.json").read_bytes())
            put = {str(name): (int(size), int(time)) for name, (size, time) in said["put"].items()}
            return Note(list(map(str, said["origins"])), put)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return Note()

    def _write(self, project: str, note: Note) -> None:
        replace(self.notes / f"{project}.json", json.dumps({"origins": note.origins, "put": note.put}).encode())
