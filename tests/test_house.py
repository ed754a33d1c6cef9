"""The habits of the project: plain words, one meaning a class name, and a test beside each module."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("alerting", "benchmarks", "commands", "dashboards", "exporters", "nervesys", "reports")
NAMES = frozenset({"said", "told", "tells", "tell", "heard", "spoken", "speaks", "speak"})
"""Parts of identifiers for which there is always a technical term: reported, sent, received, logged, parsed, …"""
WORDS = re.compile(r"\b(said|told|heard|spoken|speaks|at\s+work)\b", re.IGNORECASE)
"""The same in prose; `at work` is `running` or `active`."""
PROSE = ("*.md", ".github/**/*.md", ".github/**/*.yml", "docs/**/*.md", "config/**/*.yaml", "docker-compose.yml")
HISTORY = "CHANGELOG.md"
"""Says what was, in the words of its day."""
MIGRATIONS = "migrations"
"""Folders of database migrations, which Alembic runs, as do the tests of each database."""


def python_files(*folders: str) -> list[Path]:
    """The Python files below folders of the project."""
    return sorted(
        path for folder in folders for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts
    )


SOURCES = python_files(*PACKAGES)
CODE = [path for path in python_files(*PACKAGES, "tests") if path != Path(__file__)]


def check(found: list[str]) -> None:
    """Fail with one finding a line."""
    assert not found, "\n" + "\n".join(found)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def identifiers(module: ast.AST) -> Iterator[tuple[str, int, bool]]:
    """Every name that a module defines, with its line and whether it names a value or a class, not a function."""
    for node in ast.walk(module):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, node.lineno, False
            case ast.ClassDef(name=name) | ast.arg(arg=name):
                yield name, node.lineno, True
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name, node.lineno, True
            case ast.MatchAs(name=str(name)) | ast.ExceptHandler(name=str(name)):
                yield name, node.lineno, True
            case ast.alias(asname=str(name)):
                yield name, 0, True


def parts(name: str) -> list[str]:
    """The words of an identifier: `restart_one` and `RestartOne` have the same two."""
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower().strip("_").split("_")


def is_banned(name: str, is_value: bool) -> bool:
    words = parts(name)
    return not NAMES.isdisjoint(words) or (is_value and words[-1] in {"one", "ones"})


@pytest.mark.parametrize(
    ("name", "is_value", "banned"),
    [
        ("said", True, True),
        ("last_told", True, True),
        ("_tell_agent", False, True),
        ("ToldAlert", True, True),
        ("restart_one", True, True),
        ("Ones", True, True),
        ("restart_one", False, False),
        ("one_of", True, False),
        ("telling_storyteller", True, False),
        ("phone", True, False),
    ],
)
def test_a_banned_part_of_a_name_is_found_and_no_other(name: str, is_value: bool, banned: bool) -> None:
    assert is_banned(name, is_value) is banned


def test_no_identifier_has_a_banned_part() -> None:
    found = [
        f"{relative(path)}:{line}: {name}"
        for path in CODE
        for name, line, is_value in identifiers(tree(path))
        if is_banned(name, is_value)
    ]
    found += [f"{relative(path)}: file name" for path in CODE if is_banned(path.stem, is_value=True)]
    check(found)


def test_a_class_name_has_one_meaning_in_the_whole_project() -> None:
    modules = defaultdict(list)
    for path in SOURCES:
        for node in tree(path).body:
            if isinstance(node, ast.ClassDef):
                modules[node.name].append(relative(path))
    check([f"{name}: {', '.join(paths)}" for name, paths in modules.items() if len(paths) > 1])


def has_code(path: Path) -> bool:
    """Whether a module defines a function or class, or runs something; a package's list of names is no code."""
    defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return any(isinstance(node, defined) for node in tree(path).body)


@cache
def covered() -> dict[str, str]:
    """The modules named by lines `Covers: a.b, a.c.` in the docstrings of tests, with the test."""
    named = {}
    for path in python_files("tests"):
        docstring = ast.get_docstring(tree(path)) or ""
        for text in re.findall(r"^Covers:\s*((?:[\w.]+,\s*)*[\w.]+)\.\s*$", docstring, re.MULTILINE):
            named.update(dict.fromkeys(re.split(r",\s*", text), relative(path)))
    return named


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("top", PACKAGES)
def test_every_module_has_its_test_beside_it_or_is_named_by_the_test_that_covers_it(top: str) -> None:
    named = covered()
    missing = []
    for path in python_files(top):
        is_package = path.name == "__init__.py"
        if path.stem == "__main__" or MIGRATIONS in path.parts or (is_package and not has_code(path)):
            continue
        folder = ROOT / "tests" / path.parent.relative_to(ROOT)
        mirror = folder / f"test_{path.parent.name if is_package else path.stem}.py"
        if not mirror.exists() and module_name(path) not in named:
            missing.append(module_name(path))
    check(missing)


def test_every_module_that_a_test_names_as_covered_exists() -> None:
    modules = {module_name(path) for path in SOURCES}
    check([f"{test}: {name}" for name, test in covered().items() if name not in modules])


def test_no_text_has_a_banned_word() -> None:
    prose = sorted({path for pattern in PROSE for path in ROOT.glob(pattern)} - {ROOT / HISTORY})
    found = [
        f"{relative(path)}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}"
        for path in [*prose, *CODE]
        for text in [path.read_text()]
        for match in WORDS.finditer(text)
    ]
    check(found)
