"""What a day's round would do, step by step and in its order; nothing is written."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from nervesys.agent.round.daily import DailyRound
from nervesys.agent.round.day_description import describe_nothing
from nervesys.agent.round.knowledge import KnowledgeMerge
from nervesys.agent.round.plan import RoundPlan
from nervesys.errors import BadObject
from nervesys.plural import count
from nervesys.settings.storage import Storage

DueReports = Callable[[], Iterable[str]]
"""Returns the names of the reports that are due, such as `daily-2026-01-19`."""


def preview(daily: DailyRound, due_reports: DueReports, plan: RoundPlan) -> Iterator[str]:
    """The steps of a round, as lines of text; without those that have nothing to do.

    Args:
        daily: the round; only asked.
        due_reports: asked for what would be reported.
        plan: of logs and retention, as `Round.plan` made it.

    Raises:
        NervesysError: store, archive or brain do not answer.
    """
    if daily.leader:
        daily.leader.brain.fetch_state()
        if holder := daily.leader.other_holder():
            yield f"nothing can be done now: {holder} is running the round"
        if day := daily.due_summary(daily.leader):
            described = "" if daily.words is describe_nothing else ", described by the language model"
            yield f"to push: the summary of {day} to the brain{described}"
        if log_summary := daily.due_log_summary():
            yield f"to write: a summary of the logs by the language model, {log_summary} in the archive"
    for report in due_reports():
        yield f"to report: {report}"
    if key := daily.configuration_backup().due_key():
        yield f"to write: the backup of the configuration, {key} in the store"
    with suppress(BadObject):  # the round itself reports it
        storage = daily.round.storage
        merge = KnowledgeMerge(daily.round.store, storage.storj.paths, storage.encryption.shared_recipients)
        if merged := merge.merge():
            yield f"to merge: the agents' knowledge, {count(len(merged.statements), 'value')}"
    if documents := daily.documents.due():
        yield f"to copy: {count(len(documents), 'document')}, such as {documents[0].path}"
    problems: list[str] = []
    if path := daily.backups.due():
        yield f"to write: the full backup, {path} in the archive"
    else:
        plan, problems = daily.backups.keep_old(plan)
    yield from problems
    yield from describe_plan(plan, daily.round.storage)
    if packs := daily.backups.due_packs():
        yield f"to delete: {count(len(packs), 'pack')} of deleted backups in the archive"
    if daily.leader and daily.is_drill_due(daily.leader):
        yield "to try: a restore of the newest backup"


def describe_plan(plan: RoundPlan, storage: Storage) -> Iterator[str]:
    """What a plan archives and deletes, as lines of text."""
    for day in plan.days:
        size = sum(info.size for info in day.objects)
        yield f"to archive: {day}, {count(len(day.objects), 'object')}, {count(size, 'byte')}"
    for area, keys in plan.expired.items():
        kept = count(getattr(storage.retention, area), "day")
        yield f"to delete: {count(len(keys), 'object')} of {area}, kept {kept}"
    for path in plan.overdue:
        yield f"to delete: {path} in the archive"
    if plan.left:
        yield f"to delete later: {plan.left} more, one round deletes at most {storage.round.delete_at_most}"
    if plan.unfiled:
        yield f"skipped: {count(len(plan.unfiled), 'log')} whose keys name no server or day, such as {plan.unfiled[0]}"
