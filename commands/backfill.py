"""Shared by the commands that backfill: lists what archive and brain have, and converts it with a progress bar."""

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from exporters.history.plan import BackfillPlan, HistoryUnit, log_units
from exporters.history.reading import ReadResult
from exporters.history.run import Outcome, carry_out
from exporters.history.summaries import summary_units
from exporters.history.targets import Target
from nervesys.stores.archive import files_of
from nervesys.stores.archive_layout import ArchiveLayout
from nervesys.stores.open_archive import open_archive
from nervesys.stores.open_brain import open_brain
from nervesys.stores.open_stores import Configuration


def list_units(base: Configuration, refused: list[str]) -> list[HistoryUnit]:
    """The archived logs and traces, and the brain's daily summaries; a plain folder has none.

    Args:
        base: the settings.
        refused: names of files that break the contract are added to it.

    Raises:
        ArchiveUnavailable: the archive cannot be listed.
        BrainUnavailable: the brain cannot be fetched.
    """
    storage = base.loaded.settings.storage
    archive = open_archive(storage.archive)
    repository = open_brain(base.place, "history", storage.brain)
    summaries = summary_units(repository) if repository else ()
    return [*log_units(files_of(archive), ArchiveLayout(storage), refused), *summaries]


def convert(
    plan: BackfillPlan, base: Configuration, target: Target, until: float, workers: int, outcome: Outcome
) -> None:
    """Convert what is planned, with a progress bar on standard error.

    Args:
        plan: what is left to do.
        base: names the archive.
        target: takes the samples.
        until: Unix seconds; samples from then on are left out.
        workers: processes that read.
        outcome: the result of each file is added to it.

    Raises:
        NervesysError: archive or target fails; what was converted until then is remembered.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("reading", total=plan.size)

        def show_progress(read: ReadResult) -> None:
            outcome.add(read)
            progress.update(task, advance=read.job.unit.size, description=str(read.job.unit.day))

        carry_out(plan.jobs, base.loaded.settings.storage.archive, target, until, workers, show_progress)
