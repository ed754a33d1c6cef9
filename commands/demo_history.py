"""Made-up history for the demo: old logs, a backup and daily summaries, in the local stack's own archive and brain."""

from collections.abc import Mapping

from nervesys.agent.demo_history import DemoHistory
from nervesys.clock import Clock, system_clock
from nervesys.stack.layout import Stack
from nervesys.stores.open_archive import open_archive
from nervesys.stores.open_brain import open_brain
from nervesys.stores.open_stores import Configuration, load_configuration

OWN_ARCHIVE = "archive"
"""Folder in the home; an archive elsewhere may be a real one."""


def create(stack: Stack, clock: Clock = system_clock) -> None:
    """Create made-up history where it is missing, only in the stack's own archive and brain.

    Raises:
        ArchiveUnavailable: the archive cannot be written.
        BrainUnavailable: the brain cannot be written.
    """
    base = load_configuration("up", stack.environ)
    archive = base.loaded.settings.storage.archive.url == (stack.home / OWN_ARCHIVE).as_uri()
    brain = stack.environ["NERVESYS_BRAIN"].startswith(f"{stack.home}/")
    create_in(base, stack.environ, archive=archive, brain=brain, clock=clock)


def create_in(
    base: Configuration, environ: Mapping[str, str], *, archive: bool, brain: bool, clock: Clock = system_clock
) -> None:
    """Create made-up history where it is missing.

    Args:
        base: the settings.
        environ: holds `NERVESYS_SERVER`, the server of all agents.
        archive: whether to write to the archive.
        brain: whether to write to the brain.
        clock: the history ends yesterday.

    Raises:
        ArchiveUnavailable: the archive cannot be written.
        BrainUnavailable: the brain cannot be written.
    """
    storage = base.loaded.settings.storage
    past = DemoHistory(base.loaded.settings, tuple(base.loaded.agents.values()), environ["NERVESYS_SERVER"], clock())
    if archive:
        past.write_archive(open_archive(storage.archive, writable=True), base.tree)
    repository = open_brain(base.place, "up", storage.brain, environ)
    if brain and repository is not None:
        past.push_summaries(repository)
