"""The days before the first `up`: made up in the archive and the brain that belong to the stack's own home."""

from nervesys.agent.past import Past
from nervesys.clock import Clock, system_clock
from nervesys.stack.layout import Stack
from nervesys.stores.archive import open_archive
from nervesys.stores.brain import open_brain
from nervesys.stores.opened import opened

OWN_ARCHIVE = "archive"
"""Folder of the home; an archive elsewhere is somebody's."""


def lay(stack: Stack, clock: Clock = system_clock) -> None:
    """Make up old logs, a full backup and daily summaries where they are missing, in the stack's own pillars only.

    Raises:
        ArchiveUnavailable: the archive cannot be written.
        BrainUnavailable: the brain cannot be written.
    """
    base = opened("up", stack.environ)
    storage = base.loaded.settings.storage
    past = Past(base.loaded.settings, tuple(base.loaded.agents.values()), stack.environ["NERVESYS_SERVER"], clock())
    if storage.archive.url == (stack.home / OWN_ARCHIVE).as_uri():
        past.lay_archive(open_archive(storage.archive, writable=True), base.tree)
    brain = open_brain(base.place, "up", storage.brain, stack.environ)
    if brain is not None and stack.environ["NERVESYS_BRAIN"].startswith(f"{stack.home}/"):
        past.lay_summaries(brain)
