"""Merges layers of settings. Later layers win, and the origin of every value is kept for messages."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from nervesys.errors import SettingsProblem
from nervesys.settings.check import Model, check
from nervesys.settings.variables import NAMES_BY_FIELD
from nervesys.settings.yaml import Path, Row, leaves

_EXPANSION = re.compile(r"\$\{(\w+)\}")


@dataclass
class Layers:
    """Values merged so far.

    Attributes:
        values: the merged tree.
        origins: origin of each leaf, such as `config/storage.yaml:4`.
        awaited: values written as `${NAME}`: name of the variable and origin, by path.
        refused: paths of values with a `${NAME}` that may not be expanded there.
    """

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[Path, str] = field(default_factory=dict)
    awaited: dict[Path, tuple[str, str]] = field(default_factory=dict)
    refused: set[Path] = field(default_factory=set)

    def copy(self) -> "Layers":
        """An independent copy; values of the same lists, which nobody changes."""
        return Layers(_copied(self.values), dict(self.origins), dict(self.awaited), set(self.refused))

    def put(self, path: Path, value: Any, origin: str) -> None:
        """Merge one value into the tree: a mapping key by key; anything else replaces what was there."""
        for leaf, item in leaves(value, path):
            node = self.values
            for key in leaf[:-1]:
                below = node.get(key)
                if not isinstance(below, dict):
                    below = node[key] = {}
                node = below
            if isinstance(node.get(leaf[-1]), dict):
                self._forget(leaf)
            node[leaf[-1]] = item
            self.origins.pop(leaf, None)  # the newest comes last, see `origin`
            self.origins[leaf] = origin

    def merge_rows(self, rows: Iterable[Row]) -> None:
        """Merge rows of (path, value, origin) into the tree."""
        for row in rows:
            self.put(*row)

    def extract(self, top: str) -> list[Row]:
        """Remove everything below a top-level key, and return it as rows without that key."""
        rows = [(path[1:], self.value(path), where) for path, where in self.origins.items() if path[0] == top]
        self.values.pop(top, None)
        self._forget((top,))
        return rows

    def origin(self, path: Path) -> str:
        """The origin of a value; of a mapping, that of its newest part; of a list item or missing key, its parent's."""
        while path:
            if path in self.origins:
                return self.origins[path]
            below = [where for known, where in self.origins.items() if known[: len(path)] == path]
            if below:
                return below[-1]
            path = path[:-1]
        return "settings"

    def expand(self, mistakes: list[SettingsProblem]) -> None:
        """Remove each `${NAME}` in the field that NAME may set; its value comes with the environment's layer.

        A `${NAME}` anywhere else is a mistake.
        """
        for path, value in list(leaves(self.values)):
            names = _EXPANSION.findall(value) if isinstance(value, str) else []
            if not names:
                continue
            if names[0] in NAMES_BY_FIELD.get(path, ()) and value == f"${{{names[0]}}}":
                self.awaited[path] = names[0], self.origins[path]
                self._drop(path)
            else:
                self.refused.add(path)
                problem = f"${{{names[0]}}} may not be expanded here: {_allowed(path)}"
                mistakes.append(SettingsProblem(self.origin(path), ".".join(path), problem))

    def validate(self, model: type[Model], mistakes: list[SettingsProblem], top: Path = ()) -> Model | None:
        """Validate the values. Returns None if they are wrong, and appends every problem to the mistakes.

        Args:
            model: the model to validate against.
            mistakes: problems are appended to it.
            top: the key above the values in their file, for messages.
        """
        found, problems = check(model, self.values)
        for path, problem in problems:
            if path in self.refused:  # one mistake is enough
                continue
            where = self.origin(path)
            if path in self.awaited and path not in self.origins:  # the variable is not set
                name, where = self.awaited[path]
                problem = f"set {name} or {name}_FILE in the environment"
            mistakes.append(SettingsProblem(where, ".".join((*top, *path)), problem))
        return found

    def value(self, path: Path) -> Any:
        """The value at a path that has one."""
        node: Any = self.values
        for key in path:
            node = node[key]
        return node

    def _drop(self, path: Path) -> None:
        del self.value(path[:-1])[path[-1]]
        self._forget(path)

    def _forget(self, path: Path) -> None:
        self.origins = {known: where for known, where in self.origins.items() if known[: len(path)] != path}


def _copied(values: dict[str, Any]) -> dict[str, Any]:
    return {key: _copied(value) if isinstance(value, dict) else value for key, value in values.items()}


def _allowed(path: Path) -> str:
    bound = NAMES_BY_FIELD.get(path)
    return f"this field takes ${{{bound[-1]}}}" if bound else "this field takes no variable"
