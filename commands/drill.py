"""`nervesys drill`: rehearse disaster recovery."""

import os
import socket
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from commands.audit_trail import CLI, audited, operator
from commands.options import ArchiveUrl, BrainUrl, Home, open_settings
from nervesys.agent.backup.drill import Drill, record_drill
from nervesys.audit import AUDIT, AuditAction, AuditResult
from nervesys.clock import system_clock
from nervesys.contract import RestoreDrill
from nervesys.errors import NervesysError
from nervesys.plural import count
from nervesys.stores.open_archive import open_archive
from nervesys.stores.open_brain import open_brain

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Makes Typer treat the one command as a subcommand."""


@app.command()
def restore(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FOLDER]", help="Target: empty or missing (default: a temporary folder, deleted at the end)."
        ),
    ] = None,
    backup: Annotated[
        str | None, typer.Option(metavar="PATH", help="Backup in the archive (default: the newest).")
    ] = None,
    home: Home = None,
    brain: BrainUrl = None,
    archive: ArchiveUrl = None,
) -> None:
    """Restore the newest full backup into an empty folder, verify it, try each part, and record the result.

    Every file is compared with its checksum, databases are checked for integrity, the configuration is loaded; the
    brain's branches, a workspace, an artifact, an episode of the journal and the knowledge base are read. The drill
    only reads the archive, and never touches the store. Result and duration are written to the brain's state branch,
    where the `hygiene` exporter reads them. Exits with 1 if anything could not be restored.

    After a real loss: `nervesys restore`.
    """
    base = open_settings("drill", home=home, brain=brain, archive=archive)
    storage = base.loaded.settings.storage
    console = Console(soft_wrap=True, highlight=False)
    start = time.monotonic()

    def log_step(step: str) -> None:
        console.print(f"{time.monotonic() - start:5.1f} s  {escape(step)}")

    by = f"drill@{socket.gethostname()}"
    drill = Drill(open_archive(storage.archive), storage, system_clock, time.monotonic, by)
    with TemporaryDirectory(prefix="nervesys-drill-") as temporary:
        result = drill.run(folder or Path(temporary), log_step, backup)
    with audited(CLI, base.place, base.loaded.settings):
        outcome = AuditResult.OK if result.succeeded else AuditResult.FAILED
        AUDIT.record(AuditAction.RESTORE, outcome, operator(), result.backup or "a backup", detail="drill")
    log_step("restored and verified" if result.succeeded else "the drill failed")
    repository = open_brain(base.place, "drill", storage.brain, os.environ)
    if repository is None:
        log_step("not recorded: the brain is a plain folder, which is never written to")
    else:
        record_drill(repository, result)
        log_step("recorded in the brain")
    _print_result(console, result, folder)


def _print_result(console: Console, result: RestoreDrill, folder: Path | None) -> None:
    if not result.succeeded:
        raise NervesysError(f"restore {result.backup or 'a backup'}: {result.detail}")
    where = f" in {folder}" if folder else ""
    console.print(escape(f"{count(int(result.files), 'file')}, {count(int(result.bytes), 'byte')}, verified{where}"))
