"""Source `brain`: the Git repository with the agents' configuration, and their last reports to it."""

from collections.abc import Sequence
from functools import partial

from exporters.brain import github, repository
from exporters.runner import Area, Source, SourceContext
from nervesys.stores.open_brain import open_brain, open_folder

MIRROR = "brain-exporter"


def areas(context: SourceContext) -> Sequence[Area]:
    """The areas of the brain that the settings name; GitHub's only where they name a repository there."""
    settings = context.settings
    every = partial(settings.monitoring.every_seconds, "brain")
    brain = open_brain(context.place, MIRROR, settings.storage.brain)
    repository_area = repository.Repository(brain, open_folder(context.place), context)
    open_areas = [Area("brain", repository.FAMILIES, every("brain"), repository_area.refresh)]
    if settings.storage.brain.repository:
        area = github.GitHubArea(settings.storage.brain, context.health)
        open_areas.append(Area("github", github.FAMILIES, every("github"), area.refresh))
    return open_areas


SOURCE = Source(
    name="brain",
    about="Who the agents are, how that changed, and what they last reported, by the brain's repository.",
    families=(*repository.FAMILIES, *github.FAMILIES),
    areas=areas,
    optional_areas={"github": github.NO_GITHUB},
)
