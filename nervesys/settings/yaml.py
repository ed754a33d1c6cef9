"""Reads YAML with the line of every value, so that messages can name it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from nervesys.errors import SettingsError, SettingsProblem
from nervesys.settings.tree import Tree

MAX_BYTES = 1 << 20
MAX_NODES = 50_000
"""Limit against small files that expand to huge ones through aliases."""
INTEGER, OCTAL = "tag:yaml.org,2002:int", re.compile("[-+]?0[0-7_]+")
MAX_DEPTH = 500
"""Limit of nesting: libyaml recurses, and some ten thousand levels end the process."""

_Loader: type[yaml.SafeLoader] | type[yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml is ten times as fast; PyYAML built without it has the other."""

Path = tuple[str, ...]
Row = tuple[Path, Any, str]
"""A value's path, the value, and where it came from."""


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that is not a mapping, with its path; an empty mapping below the top counts as a value."""
    if isinstance(value, dict) and (value or not path):
        for key, below in value.items():
            yield from leaves(below, (*path, str(key)))
    else:
        yield path, value


@dataclass(frozen=True)
class Document:
    """A parsed file.

    Attributes:
        where: the file's name, for messages.
        data: its top level mapping.
        lines: the line of each key, by path.
    """

    where: str
    data: dict[str, Any]
    lines: dict[Path, int] = field(default_factory=dict)

    def origin(self, path: Path) -> str:
        """File and line of a value, or of the nearest enclosing key in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.where}:{self.lines[path]}" if path else self.where

    def rows(self) -> Iterator[Row]:
        """Every value with its path and its origin."""
        for path, value in leaves(self.data):
            yield path, value, self.origin(path)


def try_yaml(tree: Tree, path: str, mistakes: list[SettingsProblem], label: str = "") -> Document | None:
    """Read a file of a brain; None if it is missing or wrong.

    Args:
        tree: the brain.
        path: of the file.
        mistakes: problems are appended to it.
        label: prefix of the path in every origin.
    """
    body = tree.read(path)
    if body is None:
        return None
    try:
        return read_yaml(body, f"{label}{path}")
    except SettingsError as err:
        mistakes.extend(err.mistakes)
        return None


def read_yaml(body: bytes, where: str) -> Document:
    """Parse a file of settings.

    Raises:
        SettingsError: not YAML, not a mapping, a key twice, or larger than any settings are.
    """
    if len(body) > MAX_BYTES:
        raise SettingsError([SettingsProblem(where, "", f"larger than {MAX_BYTES >> 20} MiB")])
    try:
        text = body.decode()
        if sum(map(text.count, "[{-?:")) > MAX_DEPTH and _depth(text) > MAX_DEPTH:
            raise SettingsError([SettingsProblem(where, "", f"not YAML: nested more than {MAX_DEPTH} levels deep")])
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is None:
            return Document(where, {})
        if not isinstance(root, yaml.MappingNode):
            raise SettingsError(
                [SettingsProblem(f"{where}:{root.start_mark.line + 1}", "", "a mapping of keys is expected")]
            )
        if (octal := next(_octals(root), None)) is not None:
            line, value = octal.start_mark.line + 1, octal.value
            problem = f"{value} is an octal number, {int(value, 8)}: write it without the leading zero, or quote it"
            raise SettingsError([SettingsProblem(f"{where}:{line}", "", problem)])
        lines: dict[Path, int] = {}
        for count, (path, line) in enumerate(_keys(root, ())):
            if count > MAX_NODES:
                raise SettingsError([SettingsProblem(where, "", f"more than {MAX_NODES} values")])
            if path in lines and not path[-1].isdigit():
                raise SettingsError([SettingsProblem(f"{where}:{line}", ".".join(path), "this key stands here twice")])
            lines[path] = line
        return Document(where, loader.construct_document(root), lines)
    except UnicodeDecodeError as err:
        raise SettingsError([SettingsProblem(where, "", "not UTF-8 text")]) from err
    except yaml.MarkedYAMLError as err:
        mark = err.problem_mark
        at = f"{where}:{mark.line + 1}" if mark else where
        raise SettingsError([SettingsProblem(at, "", f"not YAML: {err.problem}")]) from err
    except RecursionError as err:
        raise SettingsError([SettingsProblem(where, "", "not YAML: nested too deeply")]) from err
    except (yaml.YAMLError, ValueError) as err:
        problem = "not YAML: it holds a character or a value that YAML does not allow"
        raise SettingsError([SettingsProblem(where, "", problem)]) from err


def _depth(text: str) -> int:
    """The deepest nesting of mappings and lists; the parser of events does not recurse."""
    depth = deepest = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            deepest = max(deepest, depth)
            if deepest > MAX_DEPTH:
                break
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return deepest


def _octals(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """Numbers such as 010, which YAML 1.1 reads as 8 and YAML 1.2 as 10."""
    pending, seen = [node], set()
    while pending:
        current = pending.pop()
        if isinstance(current, yaml.ScalarNode):
            if current.tag == INTEGER and OCTAL.fullmatch(current.value):
                yield current
        elif id(current) not in seen:
            seen.add(id(current))
            pending += [part for entry in current.value for part in (entry if isinstance(entry, tuple) else (entry,))]


def _keys(node: yaml.Node, path: Path) -> Iterator[tuple[Path, int]]:
    """Every key with its line; list items have their index as key."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*path, str(key.value)), key.start_mark.line + 1
            yield from _keys(value, (*path, str(key.value)))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*path, str(index)), value.start_mark.line + 1
            yield from _keys(value, (*path, str(index)))
