"""`nervesys round`: do the daily round now: archive logs, apply retention, back up."""

import socket
from functools import partial
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from commands.audit_trail import CLI, audited
from commands.backup import host_backup_place
from commands.due_reports import list_due_reports, write_due_reports
from commands.options import ArchiveUrl, BrainUrl, Home, open_settings
from nervesys.agent.round import DailyRound, Leader, Round, describe_plan, open_describer, open_summarizer, preview
from nervesys.agent.round.secrets import rotate_secrets
from nervesys.clock import system_clock
from nervesys.errors import NervesysError
from nervesys.stores.open_archive import open_archive
from nervesys.stores.open_brain import open_brain
from nervesys.stores.open_stores import open_store

app = typer.Typer()


@app.command(name="round")
def run(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be done.")] = False,
    home: Home = None,
    brain: BrainUrl = None,
    archive: ArchiveUrl = None,
) -> None:
    """Do the daily round once: move old logs to the archive, and delete what is past its retention.

    It also writes today's full backup and the reports that are due to the archive, and yesterday's summary to the
    brain, and replaces secrets of ours that are due, if `round.rotate_secrets_days` is set. Agents do this by
    themselves once a day. Look first: `nervesys round --dry-run`.

    Logs are deleted from the store only after the archived copy was read back and compared. The round may therefore be
    interrupted at any point; the next one continues. Exits with 1 if something could not be done.
    """
    base = open_settings("round", home=home, brain=brain, archive=archive)
    storage = base.loaded.settings.storage
    console = Console(soft_wrap=True, highlight=False)
    today = Round(open_store(storage.storj), open_archive(storage.archive, writable=not dry_run), storage, system_clock)
    repository = open_brain(base.place, "round", storage.brain)
    leader = Leader(repository, f"round@{socket.gethostname()}", system_clock) if repository else None
    cloud, memory = base.loaded.settings.alibaba.alibaba_cloud, base.place.cache("analysis")
    words, log_words = open_describer(cloud, memory, system_clock), open_summarizer(cloud, memory, system_clock)
    reports = partial(write_due_reports, home=home, brain=brain, archive=archive)
    place = host_backup_place(base, today.store)
    daily = DailyRound(today, base.tree, leader, reports, words, log_words, place)
    due_reports = partial(list_due_reports, home=home, brain=brain, archive=archive)
    lines = preview(daily, due_reports, today.plan()) if dry_run else describe_plan(today.plan(), storage)
    for line in list(lines) or ["Nothing is due."]:
        console.print(escape(line))
    if dry_run:
        console.print("Dry run: nothing was changed.")
        return

    def progress(line: str) -> None:
        console.print(escape(line))

    with audited(CLI, base.place, base.loaded.settings):
        problems = rotate_secrets(base.place.home, storage, system_clock, progress) + daily.run(progress, again=True)
    if problems:
        raise NervesysError("\n".join(problems))
