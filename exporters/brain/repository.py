"""Area `brain`: the fleet as configured, how the configuration changed, and what agents reported to the repository.

Reads   one fetch a pass; where a branch moved, its tree, and of the reports only those whose blob is another one.
Units   Unix seconds by who wrote them (commits, reports), counts, bytes.
Errors  BrainUnavailable is raised: exporter_up drops to 0, and what the mirror holds is served.
        BadObject costs one file: counted by reason. A configuration that is wrong leaves the fleet as it was.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from exporters.brain import reports
from exporters.brain.output_plan import OutputPlan
from exporters.runner import Refresh, SourceContext
from nervesys.contract.brain import Contributors
from nervesys.errors import BadObject, Reason, SettingsError
from nervesys.metrics import ConditionTerm, Family, Period, Sample, SourceArea
from nervesys.metrics.family import LABEL_LIMIT
from nervesys.settings import AgentConfig, Tree, load
from nervesys.stores.brain import GitBrain
from nervesys.stores.commits import Commit
from nervesys.stores.trees import EmptyTree, GitTree, check_configured

ORIGIN = SourceArea("brain", "brain")
CONFIGURED = Family(
    "brain_agent_info", "gauge", "Agents in the configuration; always 1.", ("agent", "role"), Period.SCRAPE
)
BUFFER_LIMIT = Family(
    "brain_agent_buffer_limit_bytes",
    "gauge",
    "Maximum size of the agent's local log buffer.",
    ("agent",),
    Period.SCRAPE,
)
COLLABORATOR = Family(
    "brain_collaborator_info", "gauge", "Collaborators of the repository; always 1.", ("name", "model"), Period.SCRAPE
)
COMMITS = Family(
    "brain_commits",
    "gauge",
    "Commits on the configuration branch.",
    (),
    Period.SCRAPE,
    conditions=(ConditionTerm(word="commits", kind="level", origin=ORIGIN),),
)
LAST_COMMIT = Family(
    "brain_last_commit_timestamp_seconds",
    "gauge",
    "Time of the newest commit on the configuration branch.",
    (),
    Period.SCRAPE,
    conditions=(ConditionTerm(word="commit", kind="absence", origin=ORIGIN),),
)
CHANGE = Family(
    "brain_config_change_timestamp_seconds",
    "gauge",
    "Time of the change, for the newest changes of configuration files.",
    ("file", "author", "commit", "subject"),
    Period.SCRAPE,
)

FAMILIES = (CONFIGURED, BUFFER_LIMIT, COLLABORATOR, COMMITS, LAST_COMMIT, CHANGE, *reports.FAMILIES)

CHANGES = 50
"""Series of changes shown at most."""
WALK = 10_000
"""Commits looked through for them at most."""
CONFIG = "config"
CONTRIBUTORS = ("CONTRIBUTORS.json", "config/CONTRIBUTORS.json")
"""Where it may lie; the first that is there is read."""
MEGABYTE = 1_000_000


def fleet_samples(agents: Iterable[AgentConfig]) -> Iterator[Sample]:
    """What is configured; an agent that is disabled is none of the fleet."""
    for agent in agents:
        if agent.enabled:
            yield CONFIGURED.sample(1, agent.name, agent.role)
            yield BUFFER_LIMIT.sample(agent.buffer.max_size_mb * MEGABYTE, agent.name)


def collaborator_samples(body: bytes) -> Iterator[Sample]:
    """Who works in the repository, by CONTRIBUTORS.json."""
    for who in Contributors.parse(body).ai_collaborators:
        yield COLLABORATOR.sample(1, who.name, who.model)


def change_samples(commits: Iterable[Commit]) -> Iterator[Sample]:
    """Each file of the configuration that these commits changed."""
    for commit in commits:
        for file in commit.changed_files(CONFIG):
            yield CHANGE.sample(commit.time, file, commit.author, commit.id[:12], _cut(commit.subject))


def _cut(text: str) -> str:
    """A text for people as a label: other than `shorten` does, it ends in an ellipsis; the commit tells them apart."""
    return text if len(text) <= LABEL_LIMIT else f"{text[: LABEL_LIMIT - 1]}…"


class Repository:
    """Shows the repository anew where one of its branches moved.

    Args:
        brain: the repository; None where the brain is a plain folder, which has no history and takes no reports.
        folder: that folder.
        context: the fleet at the start, place and clock.
    """

    def __init__(self, brain: GitBrain | None, folder: Tree, context: SourceContext) -> None:
        self._brain = brain
        self._folder = folder
        self._context = context
        self._agents = context.agents
        self._loaded = context.commit
        self._shown_commits: tuple[str, ...] | None = None
        context.health.expect("fetch")

    def refresh(self, out: Refresh) -> None:
        """One pass: fetch, and show what moved. Where the fetch fails, what the mirror holds is better than nothing."""
        if self._brain is None:
            check_configured(self._folder, "the brain's folder")
            self._show(self._folder, None, out)
            return
        try:
            with self._context.health.request("fetch"):
                self._brain.fetch()
        finally:
            main, state = self._brain.tree(self._brain.branch), self._brain.tree(self._brain.state_branch)
            out.serve_on_failure = main is not None
            tips = tuple(tree.commit for tree in (main, state) if tree)
            if tips != self._shown_commits:
                self._show(main or EmptyTree(), state, out)
                self._shown_commits = tips

    def _show(self, main: Tree, state: GitTree | None, out: Refresh) -> None:
        plan = OutputPlan(out)
        agents = tuple(fleet_samples(self._fleet(main, out).values()))
        plan.add("fleet", agents, agents)
        people = next(filter(None, map(main.read, CONTRIBUTORS)), b"{}")
        plan.add(CONTRIBUTORS[0], people, collaborator_samples(people))
        if self._brain is not None:
            plan.add("history", version_of(main), self._history(self._brain))
        written = [tree for tree in (state, main) if isinstance(tree, GitTree)]
        reports.plan_reports(plan, written, self._context.clock)
        plan.apply()

    def _fleet(self, main: Tree, out: Refresh) -> Mapping[str, AgentConfig]:
        """The agents that a version configures; a version that was loaded is not loaded again."""
        version = version_of(main)
        if version and version == self._loaded:
            return self._agents
        try:
            self._agents = load(main, profile=self._context.place.profile).agents
        except SettingsError as err:
            out.reject(CONFIG, version, BadObject(Reason.BAD_VALUE, str(err.mistakes[0])))
        self._loaded = version
        return self._agents

    def _history(self, brain: GitBrain) -> Iterator[Sample]:
        yield COMMITS.sample(sum(1 for _ in brain.log(brain.branch)))
        yield from (LAST_COMMIT.sample(commit.time) for commit in brain.log(brain.branch, 1))
        yield from islice(change_samples(brain.log(brain.branch, WALK)), CHANGES)


def version_of(tree: Tree) -> str:
    """The commit of a tree; a folder has none."""
    return tree.commit if isinstance(tree, GitTree) else ""
