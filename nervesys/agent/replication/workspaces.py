"""Copies of an agent's workspaces in the store: changes are uploaded every few minutes, and restored on a new server.

    workspace/{agent}/{project}/        as on the disk; growing logs are gzipped, and files/ is left out: the contents
                                        of snapshots have it; .age is appended to the names of encrypted files
    workspace/{agent}/{project}/origin  id of the instance that wrote last

Contents, snapshots and sealed segments never change, so each is uploaded once; of a growing log at most one segment is
uploaded again. The logs are read first and uploaded last, so that everything they refer to is in the store. When
encryption is switched on or off, everything is uploaded once more, and replaces what was there.
"""

import json
import logging
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from threading import Lock
from typing import IO

from nervesys.audit import AUDIT, AuditAction, AuditResult
from nervesys.contract.paths import SEALED
from nervesys.errors import BadObject, NervesysError, Reason, StoreUnavailable
from nervesys.stores.encryption import check_readable, decrypted_file, encrypted_file, key_for, key_variants
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
        encrypted: whether the copy is; None if only a part of it may be.
    """

    origins: list[str] = field(default_factory=list)
    put: dict[str, State] = field(default_factory=dict)
    encrypted: bool | None = False


@dataclass
class WorkspaceReplica:
    """The copies of an agent's workspaces.

    Attributes:
        folder: of all projects on this host.
        notes: folder of the copy states.
        prefix: returns the prefix of a project's keys, ending in `/`.
        store: that holds the copies.
        me: id of this instance of the agent.
        recipients: of age encryption; plain if there are none.
    """

    folder: Path
    notes: Path
    prefix: Callable[[str], str]
    store: ObjectStore
    me: str
    recipients: Callable[[], Sequence[str]] = tuple
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
        root, recipients = self.folder / project, self.recipients()
        switched = copy_state.encrypted is not bool(recipients)
        known = {} if switched else copy_state.put
        growing, final = scan_files(root, known)
        changed = {name: state for name, state in final.items() if known.get(name) != state}
        grown = {name: found for name, found in growing.items() if known.get(name) != found[0]}
        gone = [name for name in copy_state.put if name not in final and name not in growing]
        if not changed and not grown and not gone:
            return
        self._claim(project, copy_state)
        if switched:  # on the disk before the first upload: killed meanwhile, a switch back replaces everything too
            copy_state.encrypted = None
            self._write(project, copy_state)
        upload = _Upload(self.store, self.prefix(project), recipients, replaces=switched)
        try:
            for name, state in changed.items():
                with suppress(FileNotFoundError), (root / name).open("rb") as body:  # deleted or gzipped meanwhile
                    upload.put(name, body)
                    copy_state.put[name] = state
            for name, (state, lines) in grown.items():
                upload.put(name + PACKED, BytesIO(pack([lines], PACKED)))
                copy_state.put[name] = state
            for name in gone:
                upload.delete(name + (PACKED if name in GROWING else ""))
                del copy_state.put[name]
            copy_state.encrypted = bool(recipients)
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
            objects = [info for info in self.store.list(prefix).objects if info.key != prefix + ORIGIN]
            for info in objects:
                self._fetch(info, info.key.removeprefix(prefix).removesuffix(SEALED), root)
            recreate_plain_files(root)
            if target.exists():  # empty, or contains only folders
                shutil.rmtree(target)
            root.rename(target)
            sync_folder(self.folder)
        growing, final = scan_files(target, {})
        put = final | {name: state for name, (state, _) in growing.items()}
        forms = {info.key.endswith(SEALED) for info in objects}
        self._write(project, ProjectCopyState([origin], put, forms.pop() if len(forms) == 1 else None))
        AUDIT.record(AuditAction.RESTORE, AuditResult.OK, "agent", prefix)
        log.info("workspace %s is restored from %s", project, prefix)

    def _fetch(self, info: ObjectInfo, name: str, root: Path) -> None:
        """Download one file, and check its hash if its name has one; objects of another form are skipped.

        Raises:
            BadObject: it is damaged, or encrypted for others.
        """
        plain = name.removesuffix(PACKED)
        if not FINAL.fullmatch(name) and not (name != plain and plain in GROWING):
            return
        path = root / (plain if plain in GROWING else name)
        path.parent.mkdir(parents=True, exist_ok=True)
        check_readable(info.key)
        with (
            self.store.open(info.key) as body,
            decrypted_file(body, info.key) as packed,
            open_unpacked(packed, name if plain in GROWING else "") as content,
            NamedTemporaryFile(dir=path.parent) as file,
        ):
            shutil.copyfileobj(content, file)
            file.flush()
            # Killed between an upload in the other form and the deletion of this one: of a log, the longer is newer.
            if not path.exists() or path.stat().st_size < file.tell():
                path.unlink(missing_ok=True)
                path.hardlink_to(file.name)
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
            return ProjectCopyState(list(map(str, content["origins"])), put, content.get("encrypted", False))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return ProjectCopyState()

    def _write(self, project: str, copy_state: ProjectCopyState) -> None:
        content = {"origins": copy_state.origins, "put": copy_state.put, "encrypted": copy_state.encrypted}
        replace(self.notes / f"{project}.json", json.dumps(content).encode())


@dataclass(frozen=True)
class _Upload:
    """Writes and deletes the files of one copy, in the form that the recipients ask for.

    Attributes:
        store: that holds the copy.
        prefix: of its keys.
        recipients: of age encryption; plain if there are none.
        replaces: whether the copy may hold the same files in the other form.
    """

    store: ObjectStore
    prefix: str
    recipients: Sequence[str]
    replaces: bool

    def put(self, name: str, body: IO[bytes]) -> None:
        """Write a file, then delete it in the other form."""
        key = key_for(self.prefix + name, self.recipients)
        with encrypted_file(body, self.recipients) as form:
            self.store.put(key, form)
        if self.replaces:
            for other in set(key_variants(key)) - {key}:
                self.store.delete(other)

    def delete(self, name: str) -> None:
        """Delete a file, in both forms where the copy may hold both."""
        for key in (
            key_variants(self.prefix + name) if self.replaces else (key_for(self.prefix + name, self.recipients),)
        ):
            self.store.delete(key)
