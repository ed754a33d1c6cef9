"""`nervesys round`: do the daily round now: archive logs, apply retention, back up."""

import socket
from collections.abc import Iterator
from functools import partial
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from commands.due_reports import write_due_reports
from commands.options import ArchiveUrl, BrainUrl, Home, open_settings
from nervesys.agent.round import DailyRound, Leader, Round, RoundPlan, open_describer, open_summarizer
from nervesys.clock import system_clock
from nervesys.errors import NervesysError
from nervesys.plural import count
from nervesys.settings.storage import Storage
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
    brain. Agents do this by themselves once a day. Look first: `nervesys round --dry-run`.

    Logs are deleted from the store only after the archived copy was read back and compared. The round may therefore be
    interrupted at any point; the next one continues. Exits with 1 if something could not be done.
    """
    base = open_settings("round", home=home, brain=brain, archive=archive)
    storage = base.loaded.settings.storage
    console = Console(soft_wrap=True, highlight=False)
    today = Round(open_store(storage.storj), open_archive(storage.archive, writable=not dry_run), storage, system_clock)
    plan = today.plan()
    for line in list(_describe(plan, storage)) or ["Nothing is due."]:
        console.print(escape(line))
    if dry_run:
        console.print("Dry run: nothing was changed.")
        return
    repository = open_brain(base.place, "round", storage.brain)
    leader = Leader(repository, f"round@{socket.gethostname()}", system_clock) if repository else None
    reports = partial(write_due_reports, home=home, brain=brain, archive=archive)
    cloud, memory = base.loaded.settings.alibaba.alibaba_cloud, base.place.cache("analysis")
    words, log_words = open_describer(cloud, memory, system_clock), open_summarizer(cloud, memory, system_clock)
    problems = DailyRound(today, base.tree, leader, reports, words, log_words).run(
        lambda line: console.print(escape(line)), again=True
    )
    if problems:
        raise NervesysError("\n".join(problems))


def _describe(plan: RoundPlan, storage: Storage) -> Iterator[str]:
    """The plan as lines of text."""
    for day in plan.days:
        size = sum(info.size for info in day.objects)
        yield f"to archive: {day}, {count(len(day.objects), 'object')}, {count(size, 'byte')}"
    for area, keys in plan.expired.items():
        days = count(getattr(storage.retention, area), "day")
        yield f"to delete: {count(len(keys), 'object')} of {area}, kept {days}"
    for path in plan.overdue:
        yield f"to delete: {path} in the archive"
    if plan.left:
        yield f"to delete later: {plan.left} more, one round deletes at most {storage.round.delete_at_most}"
    if plan.unfiled:
        yield f"skipped: {count(len(plan.unfiled), 'log')} whose keys name no server or day, such as {plan.unfiled[0]}"
