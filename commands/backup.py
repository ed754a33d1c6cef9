"""`nervesys backup`: make a full backup now."""

import os
import socket
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from commands.audit_trail import CLI, audited, operator
from commands.options import ArchiveUrl, BrainUrl, Home, open_settings
from nervesys.agent.backup.collect import BackupPlace, backup_place
from nervesys.agent.backup.full import FullBackup
from nervesys.agent.backup.manifest import BackupManifest
from nervesys.agent.backup.retention import read_state
from nervesys.audit import AUDIT, AuditAction
from nervesys.clock import system_clock
from nervesys.contract.paths import time_fields
from nervesys.errors import NervesysError, SettingsError
from nervesys.plural import count
from nervesys.stores.archive import Archive
from nervesys.stores.objects import ObjectStore
from nervesys.stores.open_archive import open_archive
from nervesys.stores.open_stores import Configuration, open_store

app = typer.Typer()


@app.command(name="backup")
def backup(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read everything, print what would be stored, and write nothing.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace today's backup even if it has parts that this host cannot reach.")
    ] = False,
    home: Home = None,
    brain: BrainUrl = None,
    archive: ArchiveUrl = None,
) -> None:
    """Make a full backup now, on the host of the receiver: only there are the journal and the artifacts.

    It contains the brain with all its history, the files of NERVESYS_HOME, the objects of the store, journal,
    artifacts and workspaces, and a list of the files in the archive. Contents that an earlier backup has are not
    stored again. Secrets are contained only if `encryption.recipients` are set. A backup that was interrupted leaves
    the earlier ones whole; run it again, and it continues.

    Examples: `nervesys backup --dry-run`; in a timer, once a day: `nervesys backup`.
    """
    base = open_settings("backup", home=home, brain=brain, archive=archive)
    storage = base.loaded.settings.storage
    console = Console(soft_wrap=True, highlight=False)
    target = open_archive(storage.archive, writable=not dry_run)
    contents = host_backup_place(base, open_store(storage.storj))
    run = FullBackup(
        target, storage, base.tree, contents.contents(), system_clock, socket.gethostname(), contents.cache
    )
    if not (dry_run or replace):
        _check_parts(target, base, contents)
    if dry_run:
        manifest = run.run(lambda line: console.print(escape(line)), dry_run=True)
    else:
        with (
            audited(CLI, base.place, base.loaded.settings),
            AUDIT.watch(AuditAction.BACKUP, operator(), "full backup"),
        ):
            manifest = run.run(lambda line: console.print(escape(line)))
    print_manifest(console, manifest)
    console.print("Dry run: nothing was written." if dry_run else escape(f"backed up to {manifest.path}"))


def host_backup_place(base: Configuration, store: ObjectStore) -> BackupPlace:
    """What this host can back up, with the receiver's journal if its local file names one."""
    receiver = base.place.receiver_file(os.environ)
    return backup_place(base.place, base.loaded.settings.storage, store, _journal(base, receiver), receiver)


def _journal(base: Configuration, receiver: Path) -> str | None:
    """URL of the journal; None if this host has no receiver, or not its packages."""
    if not receiver.exists():
        return None
    try:
        from alerting.receiver.local import open_local  # of another extra

        journal = open_local(base.place, receiver).journal
    except (ModuleNotFoundError, SettingsError):
        return None
    return journal.get_secret_value() if journal else None


def _check_parts(archive: Archive, base: Configuration, place: BackupPlace) -> None:
    """Refuse to replace a backup of today by a lesser one."""
    state = read_state(archive, base.loaded.settings.storage)
    if state.manifest is None or state.date != time_fields(system_clock())["date"]:
        return
    lost = sorted(state.manifest.parts.keys() & place.contents().missing.keys())
    if lost:
        raise NervesysError(
            f"today's backup, made by {state.manifest.by}, contains {', '.join(lost)}, which this host cannot reach; "
            "to replace it nevertheless: --replace"
        )


def print_manifest(console: Console, manifest: BackupManifest) -> None:
    """Print the parts of a backup, what it does not contain, and how much of it is new."""
    for part, size in manifest.parts.items():
        console.print(escape(f"{part:15} {count(size.files, 'file')}, {count(size.bytes, 'byte')}"))
    for part, reason in manifest.missing.items():
        console.print(escape(f"{part:15} not contained: {reason}"))
    total = f"{count(manifest.files, 'file')}, {count(manifest.bytes, 'byte')}"
    console.print(escape(f"{total}; new contents: {manifest.new.files}, {count(manifest.new.bytes, 'byte')}"))
