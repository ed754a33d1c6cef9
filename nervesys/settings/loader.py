"""Loads the settings. Layers, later wins: shipped defaults, the brain, the profile, environment, flags.

The shipped defaults are the files of the folder `config/` itself.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from nervesys.contract.dashboard_links import AGENT_PAGE, AGENT_VARIABLE
from nervesys.errors import SettingsError, SettingsProblem, collect_problems
from nervesys.settings.agents import AgentConfig, ThresholdOverrides
from nervesys.settings.alibaba import Alibaba, missing_key, move_budget
from nervesys.settings.budgets import Budgets
from nervesys.settings.check import Model, check, has_field, nearest, suggest
from nervesys.settings.datasources import adapt, contradictions, read_datasources
from nervesys.settings.env_names import name_hints
from nervesys.settings.fleet import AGENT, agent_files, members
from nervesys.settings.grafana import GrafanaSettings
from nervesys.settings.layers import Layers
from nervesys.settings.legacy import is_legacy, translate
from nervesys.settings.logs import LogsSettings
from nervesys.settings.monitoring import Monitoring, SourceSettings
from nervesys.settings.prices import Prices
from nervesys.settings.reports import Reports
from nervesys.settings.rotating_secret import SecretFromFile
from nervesys.settings.section import SettingsSection
from nervesys.settings.slos import Slos
from nervesys.settings.storage import Storage
from nervesys.settings.thresholds import Thresholds
from nervesys.settings.tree import FolderTree, Tree, shipped_root
from nervesys.settings.variables import ROTATING, VARIABLES, value_of
from nervesys.settings.yaml import Document, Row, try_yaml


class Settings(SettingsSection):
    """All settings except those of single agents; one field for each file."""

    storage: Storage
    thresholds: Thresholds
    monitoring: Monitoring
    grafana: GrafanaSettings
    alibaba: Alibaba
    prices: Prices
    budgets: Budgets
    reports: Reports
    slos: Slos
    logs: LogsSettings

    @property
    def dashboards_url(self) -> str:
        """Where people find the dashboards: Grafana, or our own page, which has the same paths."""
        return self.grafana.url.rstrip("/") or self.monitoring.own_page_url

    def agent_url(self, agent: str, since: float, until: float) -> str:
        """The dashboard of an agent; parameters as for `logs_url`."""
        query = urlencode({f"var-{AGENT_VARIABLE}": agent, "from": round(since * 1000), "to": round(until * 1000)})
        return f"{self.dashboards_url}/d/{AGENT_PAGE}?{query}"

    def logs_url(self, agent: str, since: float, until: float) -> str:
        """Where people read what an agent logged: on our own page, or in Grafana on the page of the agent.

        Args:
            agent: its name.
            since: Unix seconds.
            until: Unix seconds.
        """
        if self.grafana.url:
            return self.agent_url(agent, since, until)
        query = urlencode({"agent": agent, "from": round(since * 1000), "to": round(until * 1000)})
        return f"{self.dashboards_url}/logs?{query}"

    @property
    def sources(self) -> dict[str, SourceSettings]:
        """The sources whose exporters run: those that are enabled, and the archive only where there is one."""
        absent = set() if self.storage.archive.is_configured else {ARCHIVE}
        rows = self.monitoring.sources.items()
        return {name: row for name, row in rows if row.enabled and name not in absent}

    @property
    def shared_sources(self) -> tuple[str, ...]:
        """The names of those sources whose exporters share a process."""
        return tuple(name for name in self.sources if not self.monitoring.has_own_process(name))


SECTIONS = tuple(Settings.model_fields)
ARCHIVE = "archive"
"""The source that is absent unless the settings name an archive."""
FILES = (*SECTIONS, "alerts", "secrets")
"""Files of `config/`, without `.yaml`."""
SHIPPED = "shipped "
"""Prefix of the origin of a shipped default."""


@dataclass(frozen=True)
class Loaded:
    """The result of loading.

    Attributes:
        settings: the validated settings.
        agents: the agents of the brain, by name.
        origins: the origin of each value, by dotted key; agents are below `agents.NAME`.
        warnings: unknown keys of agents' files and of older files.
        unread: names of agents whose files were not read, if one agent was asked for.
        commit: of the brain, where it is a Git repository that is read again and again; else empty.
    """

    settings: Settings
    agents: dict[str, AgentConfig]
    origins: dict[str, str]
    warnings: tuple[SettingsProblem, ...]
    unread: tuple[str, ...] = ()
    commit: str = ""

    @property
    def own_thresholds(self) -> dict[str, ThresholdOverrides]:
        """Each agent's overrides of the thresholds, by its name."""
        return {name: agent.thresholds for name, agent in self.agents.items()}


def load(
    brain: Tree | None = None,
    *,
    profile: str | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, str] | None = None,
    also: Sequence[Callable[[Tree], object]] = (),
    only: str | None = None,
) -> Loaded:
    """Load and check everything, or what a single agent needs.

    Args:
        brain: the brain's files; None for the example that is shipped.
        profile: names of files in `config/profiles/`, separated by commas, later wins; looked up in the brain, then
            among the shipped ones.
        environ: environment variables; None for none.
        flags: values of command line flags, by the name of the equivalent environment variable.
        also: readers of further files of the brain, whose mistakes are reported together with these.
        only: an agent; the files of its neighbours are not read, so that their mistakes cost them alone.

    Raises:
        SettingsError: with every mistake found.
    """
    shipped = FolderTree(shipped_root())
    brain = brain or shipped
    layered = [(SHIPPED, shipped)] if brain == shipped else [(SHIPPED, shipped), ("", brain)]
    mistakes: list[SettingsProblem] = []
    warnings: list[SettingsProblem] = []
    layers = Layers()
    for label, tree in layered:
        documents = {name: try_yaml(tree, f"config/{name}.yaml", mistakes, label) for name in SECTIONS}
        sources = read_datasources(documents["grafana"], mistakes)
        layers.merge_rows(sources)
        for section, document in documents.items():
            _lay_section(layers, section, document, warnings)
        warnings += contradictions(sources, layers)
    agent_rows = layers.extract(AGENT)
    for overlay in _profiles(profile, brain, shipped, mistakes):
        _lay_profile(layers, overlay, mistakes)
    profile_agent_rows = layers.extract(AGENT)
    move_budget(layers)
    layers.expand(mistakes)
    layers.merge_rows(_variables("environment", environ or {}, mistakes))
    layers.merge_rows(_variables("flag", flags or {}, mistakes))
    settings = layers.validate(Settings, mistakes)
    warnings += name_hints(environ or {})
    warnings += missing_key(settings, layers) if settings else ()
    fleet = list(members(brain, layered, agent_rows, profile_agent_rows, mistakes, only))
    _check_names(brain, mistakes, warnings)
    for read in also:
        with collect_problems(mistakes):
            read(brain)
    if mistakes or settings is None:
        raise SettingsError(list(dict.fromkeys(mistakes)))
    origins = {".".join(path): where for path, where in layers.origins.items()}
    for member in fleet:
        top = ("agents", member.config.name)
        origins |= {".".join((*top, *path)): where for path, where in member.layers.origins.items()}
        warnings += member.warnings()
    agents = {member.config.name: member.config for member in fleet}
    unread = () if only is None else tuple(stem.lower() for stem, _ in agent_files(brain) if stem.lower() not in agents)
    return Loaded(settings, agents, origins, tuple(dict.fromkeys(warnings)), unread)


def _check_names(brain: Tree, mistakes: list[SettingsProblem], warnings: list[SettingsProblem]) -> None:
    """Files of `config/` that nothing reads: a mistake if a name is misspelt, else a warning."""
    for file in brain.names("config"):
        stem, _, suffix = file.rpartition(".")
        if suffix not in {"yaml", "yml"} or (suffix == "yaml" and stem in FILES):
            continue
        near = nearest(stem, FILES)
        hint = f"unknown file; did you mean '{near}.yaml'?" if near else "unknown file, ignored"
        (mistakes if near else warnings).append(SettingsProblem(f"config/{file}", "", hint))


def load_file(tree: Tree, path: str, model: type[Model]) -> Model:
    """Load one file of the brain that has a model of its own, such as `config/alerts.yaml`.

    Raises:
        SettingsError: missing, or wrong; with every mistake, file and line.
    """
    return load_document(tree, path, model)[0]


def load_document(tree: Tree, path: str, model: type[Model]) -> tuple[Model, Document]:
    """As `load_file`; also returns the document, which knows the line of each value.

    Raises:
        SettingsError: missing, or wrong; with every mistake, file and line.
    """
    mistakes: list[SettingsProblem] = []
    document = try_yaml(tree, path, mistakes)
    if document is None:
        raise SettingsError(mistakes or [SettingsProblem(path, "", "no such file in the brain")])
    found, problems = check(model, document.data)
    if found is None:
        raise SettingsError(
            [SettingsProblem(document.origin(where), ".".join(where), problem) for where, problem in problems]
        )
    return found, document


def _lay_section(layers: Layers, section: str, document: Document | None, warnings: list[SettingsProblem]) -> None:
    """Merge one file, older keys translated. Unknown keys are warnings in older files, mistakes in current ones."""
    if document is None:
        return
    older = is_legacy(section, document.data)
    document = adapt(section, document)
    translated, rest = translate(section, document)
    layers.merge_rows(translated)
    for path, value, origin in rest:
        if older and not has_field(Settings, (section, *path)):
            warnings.append(SettingsProblem(origin, ".".join(path), "unknown key, ignored"))
        else:
            layers.put((section, *path), value, origin)


def _profiles(names: str | None, brain: Tree, shipped: Tree, mistakes: list[SettingsProblem]) -> Iterator[Document]:
    for name in names.split(",") if names else ():
        path = f"config/profiles/{name}.yaml"
        document = try_yaml(brain, path, mistakes) or try_yaml(shipped, path, mistakes)
        if document:
            yield document
        else:
            known = [file.removesuffix(".yaml") for file in shipped.names("config/profiles")]
            mistakes.append(SettingsProblem("profile", "", f"no profile named {name!r}; {suggest(name, known)}"))


def _lay_profile(layers: Layers, overlay: Document, mistakes: list[SettingsProblem]) -> None:
    for path, value, origin in overlay.rows():
        if path[0] in (AGENT, *SECTIONS):
            layers.put(path, value, origin)
        else:
            mistakes.append(SettingsProblem(origin, path[0], f"unknown key; {suggest(path[0], (AGENT, *SECTIONS))}"))


def _variables(kind: str, source: Mapping[str, str], mistakes: list[SettingsProblem]) -> Iterator[Row]:
    for variable in VARIABLES:
        value = value_of(variable.name, source, mistakes)
        if value is not None and value.value.startswith(variable.begins):
            rotates = variable.name in ROTATING and value.name.endswith("_FILE")
            secret = SecretFromFile(Path(source[value.name])) if rotates else value.value
            yield variable.field, secret, f"{kind} {value.name}"
