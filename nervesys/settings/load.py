"""Loads the settings: defaults, the brain, the profile, environment, flags; later wins.

The defaults are the files under `config/` themselves, so that they stand in one place only.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from nervesys.errors import Mistake, SettingsError
from nervesys.settings.agents import AgentConfig
from nervesys.settings.alibaba import Alibaba
from nervesys.settings.grafana import Grafana
from nervesys.settings.layers import Layers
from nervesys.settings.legacy import is_legacy, translate
from nervesys.settings.monitoring import Monitoring
from nervesys.settings.section import Section
from nervesys.settings.storage import Storage
from nervesys.settings.thresholds import Thresholds
from nervesys.settings.variables import VARIABLES, value_of
from nervesys.settings.yaml import Document, read_yaml

Model = TypeVar("Model", bound=BaseModel)


class Settings(Section):
    """Everything that programs are told, but for the agents themselves; one field a file."""

    storage: Storage
    thresholds: Thresholds
    monitoring: Monitoring
    grafana: Grafana
    alibaba: Alibaba


SECTIONS = tuple(Settings.model_fields)
AGENT = "agent"
"""The key under which files speak of agents."""


class Tree(Protocol):
    """Files of one version of a brain: what settings are read from."""

    def read(self, path: str) -> bytes | None:
        """The file's content, or None where there is none."""

    def names(self, folder: str) -> Sequence[str]:
        """The names of the files in a folder, sorted; empty where there is none."""


@dataclass(frozen=True)
class FolderTree:
    """A brain that lies in a folder as plain files."""

    root: FilePath

    def read(self, path: str) -> bytes | None:
        """The file's content, or None where there is none."""
        file = self.root / path
        return file.read_bytes() if file.is_file() else None

    def names(self, folder: str) -> list[str]:
        """The names of the files in a folder, sorted."""
        found = self.root / folder
        return sorted(entry.name for entry in found.iterdir() if entry.is_file()) if found.is_dir() else []


def shipped_root() -> FilePath:
    """The folder that holds the shipped `config/`: inside the installed package, or beside it in a checkout."""
    package = FilePath(__file__).parent.parent
    return package if (package / "config").is_dir() else package.parent


@dataclass(frozen=True)
class Loaded:
    """What was loaded.

    Attributes:
        settings: checked whole.
        agents: the fleet of the brain, by name.
        origins: where each value came from, by dotted key, agents as `agents.NAME.…`.
        warnings: keys of older files that nothing here understands.
    """

    settings: Settings
    agents: dict[str, AgentConfig]
    origins: dict[str, str]
    warnings: tuple[Mistake, ...]


@dataclass(frozen=True)
class _Agent:
    config: AgentConfig
    layers: Layers

    def warnings(self) -> list[Mistake]:
        extra = self.config.model_extra or {}
        return [Mistake(self.layers.origin((key,)), f"{AGENT}.{key}", "not understood, kept") for key in extra]


def load(
    brain: Tree | None = None,
    *,
    profile: str | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, str] | None = None,
) -> Loaded:
    """Load and check everything.

    Args:
        brain: the brain's files; None for the example that is shipped.
        profile: names of files in `config/profiles/`, joined by commas, later wins; each is looked for in the brain,
            then among the shipped ones.
        environ: environment variables; none are read where None is given.
        flags: command line flags, by the name of the variable that they stand for.

    Raises:
        SettingsError: with every mistake found.
    """
    shipped = FolderTree(shipped_root())
    brain = brain or shipped
    mistakes: list[Mistake] = []
    warnings: list[Mistake] = []
    layers = Layers()
    for tree in dict.fromkeys((shipped, brain)):
        for section in SECTIONS:
            document = _read(tree, f"config/{section}.yaml", mistakes)
            if document:
                _lay(layers, section, document, warnings)
    overlays = list(_profiles(profile, brain, shipped, mistakes))
    for overlay in overlays:
        _lay_profile(layers, overlay, mistakes)
    layers.expand(mistakes)
    for source, label in ((environ or {}, "environment"), (flags or {}, "flag")):
        for variable in VARIABLES:
            said = value_of(variable.name, source, mistakes)
            if said is not None:
                layers.put(variable.field, said, f"{label} {variable.name}")
    upload = Document("config/storage.yaml", {AGENT: layers.values.pop(AGENT, {})})
    settings = _checked(Settings, layers, mistakes)
    origins = {".".join(path): where for path, where in layers.origins.items() if path[0] != AGENT}
    defaults = [_read(tree, "config/agents/default.yaml", mistakes) for tree in dict.fromkeys((shipped, brain))]
    agents: dict[str, AgentConfig] = {}
    for agent in _agents(brain, [*filter(None, defaults), upload], overlays, mistakes):
        name = agent.config.name
        agents[name] = agent.config
        origins |= {".".join(("agents", name, *path)): where for path, where in agent.layers.origins.items()}
        warnings += agent.warnings()
    if mistakes or settings is None:
        raise SettingsError(mistakes)
    return Loaded(settings, agents, origins, tuple(warnings))


def load_file(tree: Tree, path: str, model: type[Model]) -> Model:
    """One file of the brain, checked against a model of its own, such as `config/alerts.yaml`.

    Raises:
        SettingsError: missing, or wrong; with every mistake, file and line.
    """
    mistakes: list[Mistake] = []
    document = _read(tree, path, mistakes)
    if document is None:
        raise SettingsError(mistakes or [Mistake(path, "", "no such file in the brain")])
    try:
        return model.model_validate(document.data)
    except ValidationError as err:
        raise SettingsError(
            [Mistake(document.origin(where), ".".join(where), problem) for where, problem in problems(err)]
        ) from None


def problems(err: ValidationError) -> list[tuple[tuple[str, ...], str]]:
    """Path and message of each problem, without the value: it may be a secret."""
    return [
        (tuple(map(str, one["loc"])), one["msg"].removeprefix("Value error, "))
        for one in err.errors(include_url=False, include_input=False)
    ]


def _read(tree: Tree, path: str, mistakes: list[Mistake]) -> Document | None:
    body = tree.read(path)
    if body is None:
        return None
    try:
        return read_yaml(body, path)
    except SettingsError as err:
        mistakes.extend(err.mistakes)
        return None


def _lay(layers: Layers, section: str, document: Document, warnings: list[Mistake]) -> None:
    if not is_legacy(section, document.data):
        for path, value, origin in document.rows():
            layers.put((section, *path), value, origin)
        return
    rows, unknown = translate(section, document.data)
    for theirs, ours, value in rows:
        layers.put(ours, value, document.origin(theirs))
    warnings += [Mistake(document.origin(path), ".".join(path), "not understood, ignored") for path in unknown]


def _profiles(names: str | None, brain: Tree, shipped: Tree, mistakes: list[Mistake]) -> Iterator[Document]:
    for name in names.split(",") if names else ():
        path = f"config/profiles/{name}.yaml"
        document = _read(brain, path, mistakes) or _read(shipped, path, mistakes)
        if document:
            yield document
        else:
            known = ", ".join(file.removesuffix(".yaml") for file in shipped.names("config/profiles"))
            mistakes.append(Mistake("profile", "", f"no profile named {name!r}; there are: {known}"))


def _lay_profile(layers: Layers, overlay: Document, mistakes: list[Mistake]) -> None:
    for path, value, origin in overlay.rows():
        if path[0] in SECTIONS:
            layers.put(path, value, origin)
        elif path[0] != AGENT:
            mistakes.append(Mistake(origin, path[0], f"unknown; a profile holds {AGENT}, {', '.join(SECTIONS)}"))


def _checked(model: type[Model], layers: Layers, mistakes: list[Mistake]) -> Model | None:
    try:
        return model.model_validate(layers.values)
    except ValidationError as err:
        mistakes += [Mistake(layers.origin(where), ".".join(where), problem) for where, problem in problems(err)]
        return None


def _agents(brain: Tree, below: list[Document], above: list[Document], mistakes: list[Mistake]) -> Iterator[_Agent]:
    """Each agent of the brain, its file laid between what all agents start from and the profiles."""
    for file in brain.names("config/agents"):
        stem, _, suffix = file.rpartition(".")
        if suffix not in {"yaml", "yml"} or stem == "default":
            continue
        where = f"config/agents/{file}"
        own = _read(brain, where, mistakes)
        layers = Layers()
        layers.put(("name",), stem.lower(), where)
        for document in filter(None, (*below, own, *above)):
            _lay_agent(layers, document)
        config = _checked(AgentConfig, layers, mistakes)
        if config is None:
            continue
        if config.name != stem.lower():
            problem = f"says {config.name!r}, but the file is {stem!r}'s; both must be the same"
            mistakes.append(Mistake(layers.origin(("name",)), "agent.name", problem))
        yield _Agent(config, layers)


def _lay_agent(layers: Layers, document: Document) -> None:
    """What a document says of agents: under `agent`, or, in a file of the older kind, at its top."""
    wrapped = AGENT in document.data
    for path, value, origin in document.rows():
        if wrapped and path[0] == AGENT:
            layers.put(path[1:], value, origin)
        elif not wrapped and path[0] not in SECTIONS:
            layers.put(path, value, origin)
