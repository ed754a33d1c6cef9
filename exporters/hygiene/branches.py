"""The two branches of the brain, as last fetched; a brain in a plain folder has only the configuration."""

from collections.abc import Iterator
from contextlib import contextmanager

from exporters.runner import SourceContext
from nervesys.settings import Tree
from nervesys.stores.open_brain import open_brain, open_folder
from nervesys.stores.trees import EmptyTree, GitTree

MIRROR = "hygiene-exporter"


class Branches:
    """Reads the brain.

    Args:
        context: names the brain, and counts requests.
    """

    def __init__(self, context: SourceContext) -> None:
        self._brain = open_brain(context.place, MIRROR, context.settings.storage.brain)
        self._folder = open_folder(context.place) if self._brain is None else EmptyTree()
        self._health = context.health
        context.health.expect("fetch")

    @contextmanager
    def after_fetch(self) -> Iterator[None]:
        """Fetch, then run the `with` block; where the fetch fails, it reads the old mirror before the error is raised.

        Raises:
            BrainUnavailable: the brain cannot be fetched.
        """
        try:
            if self._brain is not None:
                with self._health.request("fetch"):
                    self._brain.fetch()
        finally:
            yield

    def configuration(self) -> Tree:
        """What configuration is read from."""
        return (self._brain.tree(self._brain.branch) or EmptyTree()) if self._brain else self._folder

    def reports(self) -> GitTree | EmptyTree:
        """What agents and programs write to."""
        return (self._brain.tree(self._brain.state_branch) if self._brain else None) or EmptyTree()
