"""Layers of settings: later wins, and every value remembers where it came from."""

import re
from dataclasses import dataclass, field
from typing import Any

from nervesys.errors import Mistake
from nervesys.settings.variables import BY_FIELD
from nervesys.settings.yaml import Path, leaves

_EXPANSION = re.compile(r"\$\{(\w+)\}")


@dataclass
class Layers:
    """Values merged so far.

    Attributes:
        values: the merged tree.
        origins: where each leaf came from, such as `config/storage.yaml:4`.
    """

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[Path, str] = field(default_factory=dict)

    def put(self, path: Path, value: Any, origin: str) -> None:
        """Lay one value over what is there; a mapping is merged key by key, anything else replaces."""
        for leaf, said in leaves(value, path):
            node = self.values
            for key in leaf[:-1]:
                below = node.get(key)
                if not isinstance(below, dict):
                    below = node[key] = {}
                node = below
            node[leaf[-1]] = said
            self.origins = {known: where for known, where in self.origins.items() if known[: len(leaf)] != leaf}
            self.origins[leaf] = origin

    def origin(self, path: Path) -> str:
        """Where a value came from; for a list's item or a missing key, where its parent did."""
        while path:
            if path in self.origins:
                return self.origins[path]
            below = [where for known, where in self.origins.items() if known[: len(path)] == path]
            if below:
                return below[0]
            path = path[:-1]
        return "settings"

    def expand(self, mistakes: list[Mistake]) -> None:
        """Drop each `${NAME}` that stands where NAME belongs (its value is a layer of its own); elsewhere a mistake."""
        for path, value in list(leaves(self.values)):
            names = _EXPANSION.findall(value) if isinstance(value, str) else []
            if not names:
                continue
            bound = BY_FIELD.get(path)
            if bound is not None and value == f"${{{bound.name}}}":
                self._drop(path)
            else:
                mistakes.append(
                    Mistake(
                        self.origin(path), ".".join(path), f"${{{names[0]}}} may not be expanded here: {_allowed(path)}"
                    )
                )

    def _drop(self, path: Path) -> None:
        node = self.values
        for key in path[:-1]:
            node = node[key]
        del node[path[-1]]
        del self.origins[path]


def _allowed(path: Path) -> str:
    bound = BY_FIELD.get(path)
    return f"this field takes ${{{bound.name}}}" if bound else "this field takes no variable"
