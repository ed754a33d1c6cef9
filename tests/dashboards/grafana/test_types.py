"""Every page, variable, annotation, query, panel option, field configuration and override has a type of Grafana's."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from dashboards.grafana_json import Json
from tests.dashboards.conftest import PAGES
from tests.dashboards.grafana.node import installed, run
from tests.dashboards.grafana.type_source import SCHEMA, SDK, source_of

OPTIONS = {
    "module": "esnext",
    "moduleResolution": "bundler",
    "noEmit": True,
    "skipLibCheck": True,
    "strict": True,
    "target": "es2022",
    "types": [],
}


OLDEST_PATHS = {
    "@grafana/schema": ["./node_modules/schema-oldest"],
    "@grafana/schema/*": ["./node_modules/schema-oldest/*"],
}
VARIANTS = ("newest", "oldest", "foundation-sdk")

EXPLAINED: dict[tuple[str, str], str] = {
    (
        "newest",
        r"custom\.hidden: Property 'hidden' does not exist",
    ): "Read up to Grafana 12.1.",
    (
        "oldest",
        r"custom\.hideFrom\.viz: Property 'hideFrom' does not exist",
    ): "Read since Grafana 12.2.",
    ("foundation-sdk", r"custom\.hideFrom\.viz: Property 'hideFrom' does not exist"): "As that of the oldest.",
    ("foundation-sdk", r"Type '\{ targetBlank: (true|false); title: string; url: string; \}' is missing"): (
        "The kit gives links of values the type of a dashboard's links; Grafana's own DataLink has these three keys."
    ),
}
"""Errors that are none: by variant and pattern, with the reason."""


def compiled(sources: Mapping[str, str], folder: Path, paths: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """What the compiler rejects of each source: the place in our pages, and the message.

    Args:
        sources: TypeScript by name.
        folder: to compile in.
        paths: by which packages are found.
    """
    modules = installed()
    (folder / "node_modules").symlink_to(modules)
    for name, source in sources.items():
        (folder / f"{name}.ts").write_text(source)
    config = {"compilerOptions": OPTIONS | {"paths": paths}, "files": [f"{name}.ts" for name in sources]}
    (folder / "tsconfig.json").write_text(json.dumps(config))
    done = run(modules / "typescript/lib/tsc.js", ["--project", folder, "--preserveSymlinks"])
    errors: dict[str, list[str]] = {name: [] for name in sources}
    for name, line, message in re.findall(r"([\w-]+)\.ts\((\d+),\d+\): error TS\d+: (.*)", done.stdout):
        place = sources[name].splitlines()[int(line) - 1].rpartition("// ")[2]
        errors[name].append(f"{place}: {message}")
    assert bool(done.returncode) == any(errors.values()), done.stdout
    return errors


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Of every variant, and of pages with mistakes."""
    newest = {
        "newest": source_of(PAGES, SCHEMA),
        "foundation-sdk": source_of(PAGES, SDK),
        "mistakes": source_of(list(mistaken()), SCHEMA),
    }
    oldest = compiled({"oldest": newest["newest"]}, tmp_path_factory.mktemp("oldest"), OLDEST_PATHS)
    return compiled(newest, tmp_path_factory.mktemp("newest"), {}) | oldest


@pytest.mark.parametrize("variant", VARIANTS)
def test_grafana_has_a_type_for_everything(errors: dict[str, list[str]], variant: str) -> None:
    patterns = [pattern for name, pattern in EXPLAINED if name == variant]
    found = errors[variant]
    assert [error for error in found if not any(re.search(pattern, error) for pattern in patterns)] == []
    assert [pattern for pattern in patterns if not any(re.search(pattern, error) for error in found)] == []


MISTAKES: dict[str, tuple[tuple[str | int, ...], str, object]] = {
    "page": ((), "refreshes", "5s"),
    "variable": (("templating", "list", 1), "multiple", True),
    "annotation": (("annotations", "list", 1), "colours", "red"),
    "query of an annotation": (("annotations", "list", 1, "target"), "step", "1m"),
    "panel": (("panels", 0), "heading", ""),
    "query": (("panels", 0, "targets", 0), "expression", "up"),
    "option": (("panels", 0, "options"), "colorMode", "rainbow"),
    "field": (("panels", 0, "fieldConfig", "defaults"), "units", "s"),
    "field of a kind of panel": (("panels", 8, "fieldConfig", "defaults", "custom"), "lines", 1),
}
"""Where a page is spoilt, with which key and value."""


def part_at(page: Json, path: tuple[str | int, ...]) -> Json:
    part: Any = page
    for step in path:
        part = part[step]
    found: Json = part
    return found


def mistaken() -> Iterator[Json]:
    for uid, (path, key, value) in MISTAKES.items():
        page = copy.deepcopy(PAGES[0]) | {"uid": uid}
        part_at(page, path)[key] = value
        yield page


def test_what_grafana_has_no_type_for_is_found(errors: dict[str, list[str]]) -> None:
    found = [error for error in errors["mistakes"] if "hidden" not in error]
    assert len(found) == len(MISTAKES), found
    for uid, (_, key, value) in MISTAKES.items():
        assert any(error.startswith(uid) and (key in error or str(value) in error) for error in found), uid
