"""The agents of a brain: config/agents/{name}.yaml over config/agents/default.yaml."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from nervesys.errors import Mistake
from nervesys.settings.agents import AgentConfig
from nervesys.settings.layers import Layers
from nervesys.settings.tree import Tree
from nervesys.settings.yaml import Document, Path, Row, try_yaml

AGENT = "agent"
"""The key under which files speak of agents."""
FOLDER = "config/agents"


@dataclass(frozen=True)
class Member:
    """One agent and where each of its settings came from."""

    config: AgentConfig
    layers: Layers

    def warnings(self) -> list[Mistake]:
        """Keys that nothing here understands."""
        return [
            Mistake(self.layers.origin(path), ".".join((AGENT, *path)), "not understood, kept")
            for path in _extras(self.config)
        ]


def members(
    brain: Tree,
    defaults: Sequence[tuple[str, Tree]],
    below: Sequence[Row],
    above: Sequence[Row],
    mistakes: list[Mistake],
) -> Iterator[Member]:
    """Each agent of the brain, all layers merged.

    Args:
        brain: names the agents.
        defaults: brains whose default.yaml counts, later wins; each with the label that its origins bear.
        below: rows laid under an agent's own file.
        above: rows laid over it.
        mistakes: grows by what is wrong.
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
        layers.lay([*common, *below, *_rows(try_yaml(brain, where, mistakes)), *above])
        config = layers.checked(AgentConfig, mistakes, (AGENT,))
        if config is None:
            continue
        if config.name != stem.lower():
            problem = f"says {config.name!r}, but the file is {stem!r}'s; both must be the same"
            mistakes.append(Mistake(layers.origin(("name",)), f"{AGENT}.name", problem))
        yield Member(config, layers)


def _rows(document: Document | None) -> Iterator[Row]:
    """What a file says of its agent: under `agent`, or, in a file of the older kind, at its top."""
    for path, value, origin in document.rows() if document else ():
        yield (path[1:] if path[0] == AGENT else path), value, origin


def _extras(model: BaseModel, path: Path = ()) -> Iterator[Path]:
    for key in model.model_extra or {}:
        yield (*path, key)
    for key in type(model).model_fields:
        value = getattr(model, key)
        if isinstance(value, BaseModel):
            yield from _extras(value, (*path, key))
