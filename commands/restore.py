"""`nervesys restore`: bring a whole installation back from a full backup."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from commands.audit_trail import CLI, audited, operator
from commands.options import ArchiveUrl, BrainUrl, open_settings
from nervesys.agent.backup.drill import join_problems, newest_backup, restore, verify
from nervesys.agent.backup.relocate import move_artifacts, rows_of, upload_contents, upload_objects
from nervesys.agent.backup.restore import REPOSITORY, RestoredBackup, mark_complete
from nervesys.audit import AUDIT, AuditAction, AuditResult
from nervesys.contract import parse_time
from nervesys.errors import BadObject, NervesysError
from nervesys.plural import count
from nervesys.settings import StartupSettings
from nervesys.stores.open_archive import open_archive
from nervesys.stores.open_stores import Configuration, open_store

app = typer.Typer()

PROGRAM = "restore"


def _day(value: str | None) -> str | None:
    try:
        return value if value is None or parse_time(value) else None
    except BadObject:
        raise typer.BadParameter("must be a day such as 2026-01-31") from None


@app.command(name="restore")
def run(
    into: Annotated[
        Path, typer.Option("--into", metavar="DIR", help="Empty or new folder; it becomes the NERVESYS_HOME.")
    ],
    at: Annotated[
        str | None, typer.Option("--at", metavar="DATE", help="The newest backup of this day or before.", callback=_day)
    ] = None,
    source: Annotated[
        str | None, typer.Option("--from", metavar="PATH", help="Backup in the archive (default: the newest).")
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Restore what is left of a backup that is damaged.")
    ] = False,
    upload: Annotated[
        bool, typer.Option("--upload", help="Then put objects that the configured store lacks into it.")
    ] = False,
    journal: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Empty database for a journal that was on PostgreSQL (default: SQLite in DIR)."
        ),
    ] = None,
    brain: BrainUrl = None,
    archive: ArchiveUrl = None,
) -> None:
    """Bring a whole installation back from a full backup: brain, home, store, journal, artifacts, workspaces.

    The backup is checked before anything is written, each file is compared with its checksum before it gets its name,
    and at the end all files are read again and each part is tried. A restore that was interrupted continues when it is
    called again. Nothing is ever overwritten. If the brain is lost too, leave NERVESYS_BRAIN unset and name the
    archive.

    Example: `nervesys restore --into /srv/nervesys --archive file:///mnt/archive`
    """
    base = _open_settings(into, brain, archive)
    storage = base.loaded.settings.storage
    console, begun = Console(soft_wrap=True, highlight=False), time.monotonic()

    def log_step(step: str) -> None:
        console.print(f"{time.monotonic() - begun:5.1f} s  {escape(step)}")

    target = open_archive(storage.archive)
    path = source or newest_backup(target, storage, at)
    restored = restore(target, path, into, log_step, resume=True, partial=partial)
    if restored.was_complete and not upload:
        raise NervesysError(f"restore into {into}: {path} was restored there; with --upload, its objects are uploaded")
    problems = [] if restored.was_complete else verify(restored, storage, log_step)
    if not restored.was_complete:
        _finish(restored, journal, log_step)
        if not restored.problems:
            mark_complete(into)  # not before: an interrupted restore would be taken for done without these steps
    if upload:
        put, kept = upload_objects(restored, open_store(storage.storj), storage.storj.paths, log_step)
        log_step(f"uploaded {count(put, 'object')}; {kept} existed already")
        put, kept = upload_contents(restored, storage.storj)
        if put or kept:
            log_step(f"uploaded {count(put, 'content')} of artifacts; {kept} existed already")
    log_step(f"{count(len(restored.files), 'file')}, {count(restored.bytes, 'byte')} restored into {into}")
    with audited(CLI, base.place, base.loaded.settings):  # not before: the folder had to be empty
        result = AuditResult.FAILED if problems else AuditResult.OK
        AUDIT.record(AuditAction.RESTORE, result, operator(), path)
    for line in _next_steps(restored, into.absolute(), uploaded=upload):
        console.print(escape(line))
    if problems:
        raise NervesysError(f"restore {path}: {join_problems(problems)}")


def _open_settings(into: Path, brain: str | None, archive: str | None) -> Configuration:
    """Load the settings; the copy of a brain that is fetched for it is removed, because the folder has to be empty."""
    copy = StartupSettings(into).mirror(PROGRAM)
    existed = copy.exists()
    try:
        return open_settings(PROGRAM, home=str(into), brain=brain, archive=archive)
    finally:
        if not existed:
            shutil.rmtree(copy, ignore_errors=True)
            copy.with_name(f"{copy.name}.lock").unlink(missing_ok=True)
            with suppress(OSError):  # it holds something else, or was never made
                copy.parent.rmdir()


def _finish(restored: RestoredBackup, journal: str | None, log_step: Callable[[str], None]) -> None:
    """Load rows into databases, and adapt the manifests of artifacts to the new folder."""
    for part, file in rows_of(restored).items():
        rows = _load(part, file, restored.folder, journal if part == "journal" else None)
        log_step(f"{part}: loaded {count(rows, 'row')}")
    if moved := move_artifacts(restored):
        log_step(f"artifacts: {count(moved, 'manifest')} name the new folder")


def _load(part: str, rows: Path, folder: Path, url: str | None) -> int:
    try:
        from alerting.journal.journal import Journal  # both of another extra
        from nervesys.artifacts.tables import ManifestDatabase
        from nervesys.database.rows import load_rows
    except ModuleNotFoundError as err:
        raise NervesysError(
            f"load {rows}: it needs {err.name}: pip install 'nervesys-observability[receiver]'"
        ) from None
    target = folder.absolute() / f"{part}.sqlite3"
    if url is None:  # of an interrupted restore, or of a time before the database was on a server
        for end in ("", "-wal", "-shm"):
            Path(f"{target}{end}").unlink(missing_ok=True)
    database = (Journal if part == "journal" else ManifestDatabase).open(url or f"sqlite:///{target}")
    try:
        with database.alone() as connection, rows.open("rb") as lines:
            return load_rows(connection, lines)
    finally:
        database.close()


def _next_steps(restored: RestoredBackup, folder: Path, *, uploaded: bool) -> Iterator[str]:
    yield "Next:"
    if (folder / REPOSITORY).exists():
        yield f"  the brain: push it to its host, git -C {folder / REPOSITORY} push --mirror URL, or use it as it is:"
        yield f"    export NERVESYS_BRAIN={folder / REPOSITORY}"
    else:
        yield f"  the brain: export NERVESYS_BRAIN={folder / 'brain'}"
    yield f"  the home: export NERVESYS_HOME={folder}"
    for part, reason in (restored.index.header.get("missing") or {}).items():
        yield f"  {part} was not in the backup: {reason}"
    store = str(restored.index.header.get("store_folder") or "store")
    if not uploaded and not store.startswith("s3/"):
        yield f"  the store: run this again with --upload, or copy {folder / store} with an S3 tool"
    yield "  check it: nervesys doctor; then start it: nervesys up, or the units of systemd"
