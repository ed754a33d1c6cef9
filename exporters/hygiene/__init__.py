"""Source `hygiene`: the age of secrets, restore drills, and how deployments end."""

from collections.abc import Sequence
from functools import partial

from exporters.hygiene import deployments, drills, secrets
from exporters.hygiene.branches import Branches
from exporters.runner import Area, Source, SourceContext


def areas(context: SourceContext) -> Sequence[Area]:
    """The areas; deployments only where the settings name a repository on GitHub."""
    every = partial(context.settings.monitoring.every_seconds, "hygiene")
    branches, brain = Branches(context), context.settings.storage.brain
    open_areas = [
        Area("secrets", secrets.FAMILIES, every("secrets"), secrets.SecretsArea(branches, context).refresh),
        Area("drills", drills.FAMILIES, every("drills"), drills.DrillsArea(branches).refresh),
    ]
    if brain.watched_repositories:
        area = deployments.DeploymentsArea(brain, context.health)
        open_areas.append(Area("deployments", deployments.FAMILIES, every("deployments"), area.refresh))
    return open_areas


SOURCE = Source(
    name="hygiene",
    about="The age of secrets, the last restore drill, and how deployments end.",
    families=(*secrets.FAMILIES, *drills.FAMILIES, *deployments.FAMILIES),
    areas=areas,
    optional_areas={"deployments": "no repository on GitHub is watched"},
)
