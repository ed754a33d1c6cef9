"""The agents of a brain: each config/agents/{name}.yaml, merged over config/agents/default.yaml."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from nervesys.errors import SettingsProblem
from nervesys.settings.agents import AgentConfig
from nervesys.settings.layers import Layers
from nervesys.settings.tree import Tree
from nervesys.settings.yaml import Document, Path, Row, try_yaml

AGENT = "agent"
"""Top-level key of an agent's file."""
FOLDER = "config/agents"


@dataclass(frozen=True)
class Member:
    """One agent, with the origin of each of its settings."""

    config: AgentConfig
    layers: Layers

    def warnings(self) -> list[SettingsProblem]:
        """Unknown keys."""
        return [
            SettingsProblem(self.layers.origin(path), ".".join((AGENT, *path)), "unknown key, kept")
            for path in _extras(self.config)
        ]


def members(
    brain: Tree,
    defaults: Sequence[tuple[str, Tree]],
    below: Sequence[Row],
    above: Sequence[Row],
    mistakes: list[SettingsProblem],
) -> Iterator[Member]:
    """The agents of a brain, with all layers merged.

    Args:
        brain: the brain that has the agents' files.
        defaults: trees whose default.yaml applies, later wins; each with a label for its origins.
        below: rows that an agent's own file overrides.
        above: rows that override an agent's own file.
        mistakes: problems are appended to it.
    """
    common = [
        row for label, tree in defaults for row in _rows(try_yaml(tree, f"{FOLDER}/default.yaml", mistakes, label))
    ]
    for file in brain.names(FOLDER):
        stem, _, suffix = file.rpartition(".")
        if suffix not in {"yaml", "yml"} or stem == "default":
            continue
        where = f"{FOLDER}/{file}"
        layers = Layers()
        layers.put(("name",), stem.lower(), where)
        layers.merge_rows([*common, *below, *_rows(try_yaml(brain, where, mistakes)), *above])
        config = layers.validate(AgentConfig, mistakes, (AGENT,))
        if config is None:
            continue
        if config.name != stem.lower():
            problem = f"is {config.name!r}, but the file is named {stem!r}; both must be equal"
            mistakes.append(SettingsProblem(layers.origin(("name",)), f"{AGENT}.name", problem))
        yield Member(config, layers)


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
