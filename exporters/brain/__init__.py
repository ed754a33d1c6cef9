"""Source `brain`: the Git repository with the agents' configuration, and their last reports to it."""

from collections.abc import Sequence
from functools import partial

from exporters.brain import github, repository
from exporters.runner import Area, Context, Source
from nervesys.stores.brain import open_brain, open_folder

MIRROR = "brain-exporter"


def areas(context: Context) -> Sequence[Area]:
    """The areas of the brain that the settings name; GitHub's only where they name a repository there."""
    settings = context.settings
    every = partial(settings.monitoring.every_seconds, "brain")
    brain = open_brain(context.place, MIRROR, settings.storage.brain)
    reader = repository.Repository(brain, open_folder(context.place), context)
    found = [Area("brain", repository.FAMILIES, every("brain"), reader.refresh)]
    if settings.storage.brain.repository:
        watcher = github.Watcher(settings.storage.brain, context.health)
        found.append(Area("github", github.FAMILIES, every("github"), watcher.refresh))
    return found


SOURCE = Source(
    name="brain",
    about="Who the agents are, how that changed, and what they last reported, by the brain's repository.",
    families=(*repository.FAMILIES, *github.FAMILIES),
    areas=areas,
)
