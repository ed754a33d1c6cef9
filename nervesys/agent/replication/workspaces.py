"""Copies of an agent's workspaces in the store: changes are uploaded every few minutes, and restored on a new server.

    workspace/{agent}/{project}/        as on the disk; growing logs are gzipped, and files/ is left out: the contents
                                        of snapshots have it
    workspace/{agent}/{project}/origin  id of the instance that wrote last

Contents, snapshots and sealed segments never change, so each is uploaded once; of a growing log at most one segment is
uploaded again. The logs are read first and uploaded last, so that everything they refer to is in the store.
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
from nervesys.stores.packing import open_unpacked, pack
from nervesys.workspace.contents import Contents
from nervesys.workspace.disk import describe_os_errors, replace, sync_folder
from nervesys.workspace.layout import FINAL, GROWING, State, has_content, recreate_plain_files, scan_files

ORIGIN = "origin"
PACKED = ".gz"
MAX_ORIGIN_BYTES = 1000

log = logging.getLogger(__name__)


@dataclass
class ProjectCopyState:
    """Relation of a project's folder to its copy in the store; saved as JSON.

    Attributes:
        origins: ids of the instances whose copy this folder continues; the upload of the last may be incomplete.
        put: size and time of each file when it was uploaded.
    """

    origins: list[str] = field(default_factory=list)
    put: dict[str, State] = field(default_factory=dict)


@dataclass
class WorkspaceReplica:
    """The copies of an agent's workspaces.

    Attributes:
        folder: of all projects on this host.
        notes: folder of the copy states.
        prefix: returns the prefix of a project's keys, ending in `/`.
        store: that holds the copies.
        me: id of this instance of the agent.
    """

    folder: Path
    notes: Path
    prefix: Callable[[str], str]
    store: ObjectStore
    me: str
    _known: dict[str, ProjectCopyState] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def open(self, project: str) -> None:
        """Copy a project to the store from now on, and restore it if its folder is empty.

        Raises:
            NervesysError: the folder is empty, and the store does not answer, or its copy is damaged.
        """
        with self._lock, describe_os_errors(f"restore workspace {project}"):
            if not has_content(self.folder / project):
                try:
                    self._restore(project)
                except StoreUnavailable as err:
                    raise NervesysError(f"open workspace {project}: its folder is empty, and {err}") from err
            self._known.setdefault(project, self._read(project))

    def sync(self) -> None:
        """Upload the changes of each open project.

        Raises:
            NervesysError: some could not be uploaded; the others were.
        """
        problems = []
        for project in list(self._known):
            try:
                with self._lock, describe_os_errors(f"copy workspace {project} to the store"):
                    self._sync(project, self._known[project])
            except NervesysError as err:
                problems.append(f"workspace {project}: {err}")
        if problems:
            raise NervesysError("; ".join(problems))

    def _sync(self, project: str, copy_state: ProjectCopyState) -> None:
        root, prefix = self.folder / project, self.prefix(project)
        growing, final = scan_files(root, copy_state.put)
        changed = [(name, state) for name, state in final.items() if copy_state.put.get(name) != state]
        grown = [(name, state) for name, (state, _) in growing.items() if copy_state.put.get(name) != state]
        gone = [name for name in copy_state.put if name not in final and name not in growing]
        if not changed and not grown and not gone:
            return
        self._claim(project, copy_state)
        try:
            for name, state in changed:
                with suppress(FileNotFoundError), (root / name).open("rb") as body:  # deleted or gzipped meanwhile
                    self.store.put(prefix + name, body)
                    copy_state.put[name] = state
            for name, state in grown:
                self.store.put(f"{prefix}{name}{PACKED}", pack([growing[name][1]], PACKED))
                copy_state.put[name] = state
            for name in gone:
                self.store.delete(prefix + name + (PACKED if name in GROWING else ""))
                del copy_state.put[name]
        finally:
            self._write(project, copy_state)

    def _claim(self, project: str, copy_state: ProjectCopyState) -> None:
        """Make this instance the origin of the copy, unless another server has written it since.

        Raises:
            NervesysError: another server has written it.
        """
        if copy_state.origins[-1:] == [self.me]:
            return
        origin = self._origin(project)
        if origin and origin not in copy_state.origins:
            raise NervesysError(
                f"the store's copy was written on another server since; move {self.folder / project} away to restore "
                f"that copy at the next start, or delete {self.prefix(project)} from the store to keep the local files"
            )
        copy_state.origins = [*([origin] if origin else []), self.me]
        self._write(project, copy_state)  # before the upload, so that the copy is known as ours after a kill in between
        self.store.put(self.prefix(project) + ORIGIN, self.me.encode())

    def _origin(self, project: str) -> str:
        try:
            return self.store.get(self.prefix(project) + ORIGIN, max_bytes=MAX_ORIGIN_BYTES).decode(errors="replace")
        except BadObject as bad:
            if bad.reason is Reason.GONE:
                return ""
            raise

    def _restore(self, project: str) -> None:
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
            recreate_plain_files(root)
            if target.exists():  # empty, or contains only folders
                shutil.rmtree(target)
            root.rename(target)
            sync_folder(self.folder)
        growing, final = scan_files(target, {})
        self._write(project, ProjectCopyState([origin], final | {name: state for name, (state, _) in growing.items()}))
        log.info("workspace %s is restored from %s", project, prefix)

    def _fetch(self, info: ObjectInfo, name: str, root: Path) -> None:
        """Download one file, and check its hash if its name has one; objects of another form are skipped."""
        plain = name.removesuffix(PACKED)
        if not FINAL.fullmatch(name) and not (name != plain and plain in GROWING):
            return
        path = root / (plain if plain in GROWING else name)
        path.parent.mkdir(parents=True, exist_ok=True)
        packing = name if plain in GROWING else ""
        with self.store.open(info.key) as body, path.open("wb") as file, open_unpacked(body, packing) as content:
            shutil.copyfileobj(content, file)
        if path.parent.parent.name == "contents":
            try:
                Contents(path.parent.parent).get(path.name.removesuffix(PACKED))
            except NervesysError as err:
                raise BadObject(Reason.BAD_VALUE, f"{info.key} is damaged") from err

    def _read(self, project: str) -> ProjectCopyState:
        """Read the copy state; empty if there is none, or it cannot be parsed."""
        try:
            content = json.loads((self.notes / f"{project}.json").read_bytes())
            put = {str(name): (int(size), int(time)) for name, (size, time) in content["put"].items()}
            return ProjectCopyState(list(map(str, content["origins"])), put)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return ProjectCopyState()

    def _write(self, project: str, copy_state: ProjectCopyState) -> None:
        replace(
            self.notes / f"{project}.json", json.dumps({"origins": copy_state.origins, "put": copy_state.put}).encode()
        )
