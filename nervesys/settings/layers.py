"""Layers of settings: later wins, and every value remembers where it came from."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from nervesys.errors import Mistake
from nervesys.settings.check import Model, check
from nervesys.settings.variables import BY_FIELD
from nervesys.settings.yaml import Path, Row, leaves

_EXPANSION = re.compile(r"\$\{(\w+)\}")


@dataclass
class Layers:
    """Values merged so far.

    Attributes:
        values: the merged tree.
        origins: where each leaf came from, such as `config/storage.yaml:4`.
        awaited: what stands as `${NAME}`: the variable's name and the origin, by path.
        refused: paths of values that name a variable which may not be expanded there.
    """

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[Path, str] = field(default_factory=dict)
    awaited: dict[Path, tuple[str, str]] = field(default_factory=dict)
    refused: set[Path] = field(default_factory=set)

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
            self._forget(leaf)
            self.origins[leaf] = origin

    def lay(self, rows: Iterable[Row]) -> None:
        """Lay rows of (path, value, origin) over what is there."""
        for row in rows:
            self.put(*row)

    def take(self, top: str) -> list[Row]:
        """Remove what stands below a key of the top, and return it as rows without that key."""
        rows = [(path[1:], self._at(path), where) for path, where in self.origins.items() if path[0] == top]
        self.values.pop(top, None)
        self._forget((top,))
        return rows

    def origin(self, path: Path) -> str:
        """Where a value came from; for a mapping, its newest part; for a list's item or a missing key, its parent."""
        while path:
            if path in self.origins:
                return self.origins[path]
            below = [where for known, where in self.origins.items() if known[: len(path)] == path]
            if below:
                return below[-1]
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
                self.awaited[path] = bound.name, self.origins[path]
                self._drop(path)
            else:
                self.refused.add(path)
                problem = f"${{{names[0]}}} may not be expanded here: {_allowed(path)}"
                mistakes.append(Mistake(self.origin(path), ".".join(path), problem))

    def checked(self, model: type[Model], mistakes: list[Mistake], top: Path = ()) -> Model | None:
        """The model of all values; None where they are wrong, and every problem is added to the mistakes.

        Args:
            model: that they should make.
            mistakes: grows by what is wrong.
            top: the key that the values stand under in their file, for messages.
        """
        found, problems = check(model, self.values)
        for path, problem in problems:
            if path in self.refused:  # one mistake is enough
                continue
            where = self.origin(path)
            if path in self.awaited and path not in self.origins:  # nothing said it
                name, where = self.awaited[path]
                problem = f"set {name} or {name}_FILE in the environment"
            mistakes.append(Mistake(where, ".".join((*top, *path)), problem))
        return found

    def _at(self, path: Path) -> Any:
        node: Any = self.values
        for key in path:
            node = node[key]
        return node

    def _drop(self, path: Path) -> None:
        del self._at(path[:-1])[path[-1]]
        self._forget(path)

    def _forget(self, path: Path) -> None:
        self.origins = {known: where for known, where in self.origins.items() if known[: len(path)] != path}


def _allowed(path: Path) -> str:
    bound = BY_FIELD.get(path)
    return f"this field takes ${{{bound.name}}}" if bound else "this field takes no variable"
