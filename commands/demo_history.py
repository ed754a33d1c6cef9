"""Made-up history for the demo: old logs, a backup and daily summaries, in the local stack's own archive and brain."""

from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

from commands.demo_monitoring.fill import fill as fill_target
from commands.demo_monitoring.incidents import DemoMonitoring
from commands.demo_monitoring.journal import write_journal
from exporters.history.blocks import Blocks
from exporters.history.text_files import TextFiles
from nervesys.agent.demo_history import DemoHistory
from nervesys.artifacts.open_artifacts import database_url
from nervesys.artifacts.tables import ManifestDatabase
from nervesys.clock import Clock, system_clock
from nervesys.stack.blocks import make_blocks
from nervesys.stack.layout import Stack
from nervesys.stack.programs import find
from nervesys.stores.open_archive import open_archive
from nervesys.stores.open_brain import open_brain
from nervesys.stores.open_stores import Configuration, load_configuration

OWN_ARCHIVE = "archive"
"""Folder in the home; an archive elsewhere may be a real one."""
LONGEST_BLOCK = "4374h"
"""All in a block or two: promtool reads the text once for each."""


def create(stack: Stack, clock: Clock = system_clock) -> None:
    """Create made-up history where it is missing, only in the stack's own archive and brain.

    Raises:
        ArchiveUnavailable: the archive cannot be written.
        BrainUnavailable: the brain cannot be written.
    """
    base = load_configuration("up", stack.environ)
    create_in(base, stack.environ, archive=_owns_archive(stack, base), brain=_owns_brain(stack), clock=clock)


def fill(stack: Stack, clock: Clock = system_clock) -> None:
    """Before the first start of Prometheus: fill it and the receiver's journal alike, if all of the history is made up.

    Args:
        stack: its history has been created.
        clock: the history ends minutes ago.

    Raises:
        NervesysError: promtool is missing or fails, or a folder cannot be written.
    """
    base, data = load_configuration("up", stack.environ), stack.home / "prometheus"
    if not (_owns_archive(stack, base) and _owns_brain(stack)):
        return
    history = _history(base, stack.environ, clock)
    try:
        if not (data / "wal").exists():
            promtool = find("promtool", stack.home / "programs")
            with closing(Blocks(data, partial(make_blocks, promtool, longest=LONGEST_BLOCK))) as target:
                fill_target(base, history, target)
            write_journal(base.place.journal, DemoMonitoring(base.loaded, history.now), history.server)
            # Here Alembic is loaded already; in the service that migrates, it stays: 9 MB.
            ManifestDatabase.open(database_url(base.place, base.loaded.settings)).close()
    finally:
        history.remove_overdue(open_archive(base.loaded.settings.storage.archive, writable=True))


def fill_text(
    base: Configuration,
    environ: Mapping[str, str],
    folder: Path,
    journal: Path,
    clock: Clock = system_clock,
) -> None:
    """The same for Docker Compose, where another container makes the blocks.

    Args:
        base: the settings.
        environ: holds `NERVESYS_SERVER`, the server of all agents.
        folder: for the samples.
        journal: of the receiver.
        clock: the history ends minutes ago.

    Raises:
        NervesysError: archive, brain or journal fails.
        OSError: the folder cannot be written.
    """
    history = _history(base, environ, clock)
    try:
        with closing(TextFiles(folder)) as target:
            fill_target(base, history, target)
        write_journal(journal, DemoMonitoring(base.loaded, history.now), history.server)
    finally:
        history.remove_overdue(open_archive(base.loaded.settings.storage.archive, writable=True))


def _owns_archive(stack: Stack, base: Configuration) -> bool:
    return base.loaded.settings.storage.archive.url == (stack.home / OWN_ARCHIVE).as_uri()


def _owns_brain(stack: Stack) -> bool:
    return stack.environ["NERVESYS_BRAIN"].startswith(f"{stack.home}/")


def _history(base: Configuration, environ: Mapping[str, str], clock: Clock) -> DemoHistory:
    return DemoHistory(base.loaded.settings, tuple(base.loaded.agents.values()), environ["NERVESYS_SERVER"], clock())


def create_in(
    base: Configuration, environ: Mapping[str, str], *, archive: bool, brain: bool, clock: Clock = system_clock
) -> bool:
    """Create made-up history where it is missing.

    Args:
        base: the settings.
        environ: holds `NERVESYS_SERVER`, the server of all agents.
        archive: whether to write to the archive.
        brain: whether to write to the brain.
        clock: the history ends yesterday.

    Returns:
        Whether the archive was without history.

    Raises:
        ArchiveUnavailable: the archive cannot be written.
        BrainUnavailable: the brain cannot be written.
    """
    storage = base.loaded.settings.storage
    history = _history(base, environ, clock)
    place = open_archive(storage.archive, writable=True) if archive else None
    if place and history.is_written(place):
        return False
    repository = open_brain(base.place, "up", storage.brain, environ)
    if brain and repository is not None:
        history.push_summaries(repository)
    if place:  # last, because it shows that all was done
        history.write_archive(place, base.tree)
    return place is not None
