"""The agents of a brain: each config/agents/{name}.yaml, merged over config/agents/default.yaml."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pydantic import BaseModel

from nervesys.errors import SettingsProblem, collect_problems
from nervesys.settings.agents import AgentConfig
from nervesys.settings.check import keys_at, nearest
from nervesys.settings.layers import Layers
from nervesys.settings.tree import Tree
from nervesys.settings.yaml import Document, Path, Row, read_yaml, try_yaml

AGENT = "agent"
"""Top-level key of an agent's file."""
FOLDER = "config/agents"
SHARED_SECTIONS = 8
"""Different forms of a section that are compared with further ones, which bounds the time."""
_PARSED: dict[str, tuple[bytes, tuple[Row, ...]]] = {}
"""Content and rows of each agent's file as last read: parsing is most of the work of a load."""


@dataclass(frozen=True)
class Member:
    """One agent, with the origin of each of its settings."""

    config: AgentConfig
    layers: Layers

    def warnings(self) -> list[SettingsProblem]:
        """Unknown keys; those of existing brains are kept."""
        return [self._problem(path, "unknown key, kept") for path, near in self._unknown if near is None]

    def misspelt(self) -> list[SettingsProblem]:
        """Keys that are nearly a known one, and so have no effect by mistake."""
        return [self._problem(path, f"unknown key; did you mean {near!r}?") for path, near in self._unknown if near]

    @cached_property
    def _unknown(self) -> list[tuple[Path, str | None]]:
        """Unknown keys, each with the known one that it must have been meant as."""
        return [(path, _meant(path)) for path in _extras(self.config)]

    def _problem(self, path: Path, problem: str) -> SettingsProblem:
        return SettingsProblem(self.layers.origin(path), ".".join((AGENT, *path)), problem)


def _meant(path: Path) -> str | None:
    """The key that an unknown one must have been meant as."""
    known = keys_at(AgentConfig, path[:-1]) | ({AGENT} if len(path) == 1 else set())
    return nearest(path[-1], known)


def members(
    brain: Tree,
    defaults: Sequence[tuple[str, Tree]],
    below: Sequence[Row],
    above: Sequence[Row],
    mistakes: list[SettingsProblem],
    only: str | None = None,
) -> Iterator[Member]:
    """The agents of a brain, with all layers merged.

    Args:
        brain: the brain that has the agents' files.
        defaults: trees whose default.yaml applies, later wins; each with a label for its origins.
        below: rows that an agent's own file overrides.
        above: rows that override an agent's own file.
        mistakes: problems are appended to it.
        only: name of the one agent whose file is read; None for all.
    """
    common = Layers()
    for label, tree in defaults:
        common.merge_rows(_rows(try_yaml(tree, f"{FOLDER}/default.yaml", mistakes, label)))
    common.merge_rows(below)
    files, sections = dict[str, str](), defaultdict[str, list[BaseModel]](list)
    for stem, where in agent_files(brain):
        if only is not None and stem.lower() != only.lower():
            continue
        if (first := files.setdefault(stem.lower(), where)) != where:
            mistakes.append(SettingsProblem(where, "", f"{first} is of the same agent; keep one of both"))
            continue
        layers = common.copy()
        if "name" not in layers.values:
            layers.put(("name",), stem.lower(), where)
        layers.merge_rows([*_file_rows(brain, where, mistakes), *above])
        config = layers.validate(AgentConfig, mistakes, (AGENT,))
        if config is None:
            continue
        _share_sections(config, sections)
        if config.name != stem.lower():
            problem = f"is {config.name!r}, but the file is named {stem!r}; both must be equal"
            mistakes.append(SettingsProblem(layers.origin(("name",)), f"{AGENT}.name", problem))
        member = Member(config, layers)
        mistakes += member.misspelt()
        yield member


def agent_files(brain: Tree) -> Iterator[tuple[str, str]]:
    """Name and path of each agent's file; names are as the files have them."""
    for file in brain.names(FOLDER):
        stem, _, suffix = file.rpartition(".")
        if suffix in {"yaml", "yml"} and stem != "default":
            yield stem, f"{FOLDER}/{file}"


def _share_sections(config: AgentConfig, known: Mapping[str, list[BaseModel]]) -> None:
    """Let equal sections of agents be one object: most agents have those of default.yaml, which take 6 KB an agent."""
    for name, section in vars(config).items():
        if isinstance(section, BaseModel):
            same = next((other for other in known[name] if other == section), None)
            if same is not None:
                vars(config)[name] = same
            elif len(known[name]) < SHARED_SECTIONS:
                known[name].append(section)


def _file_rows(brain: Tree, where: str, mistakes: list[SettingsProblem]) -> tuple[Row, ...]:
    """The rows of a file; it is parsed again only if it changed since the last load in this process."""
    body = brain.read(where)
    if body is None:
        return ()
    known = _PARSED.get(where)
    if known is None or known[0] != body:
        with collect_problems(mistakes):
            known = _PARSED[where] = body, tuple(_rows(read_yaml(body, where)))
            return known[1]
        return ()
    return known[1]


def _rows(document: Document | None) -> Iterator[Row]:
    """The rows of an agent's file: below `agent`, or at the top level in files of the older format."""
    for path, value, origin in document.rows() if document else ():
        yield (path[1:] if path[0] == AGENT else path), value, origin


def _extras(model: BaseModel, path: Path = ()) -> Iterator[Path]:
    for key in model.model_extra or {}:
        yield (*path, key)
    for key in type(model).model_fields:
        value = getattr(model, key)
        if isinstance(value, BaseModel):
            yield from _extras(value, (*path, key))
