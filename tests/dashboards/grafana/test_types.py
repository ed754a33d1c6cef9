"""Every page, variable, annotation, query, panel option, field configuration and override has a type of Grafana's."""

import copy
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dashboards.grafana_json import Json
from tests.dashboards.conftest import PAGES
from tests.dashboards.grafana.node import installed, run
from tests.dashboards.grafana.type_source import SCHEMA, SDK, SchemaTypes, source_of

OPTIONS = {
    "module": "esnext",
    "moduleResolution": "bundler",
    "noEmit": True,
    "skipLibCheck": True,
    "strict": True,
    "target": "es2022",
    "types": [],
}


@dataclass(frozen=True)
class Variant:
    """Types of one version.

    Attributes:
        name: of the variant.
        types: where they are.
        paths: that TypeScript resolves packages by.
    """

    name: str
    types: SchemaTypes
    paths: dict[str, list[str]]


NEWEST = Variant("newest", SCHEMA, {})
OLDEST = Variant(
    "oldest",
    SCHEMA,
    {"@grafana/schema": ["./node_modules/schema-oldest"], "@grafana/schema/*": ["./node_modules/schema-oldest/*"]},
)
FOUNDATION = Variant("foundation-sdk", SDK, {})

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


def errors(pages: list[Json], variant: Variant, folder: Path) -> list[str]:
    """What the compiler rejects: the place in our pages, and the message."""
    modules = installed()
    source = source_of(pages, variant.types)
    (folder / "pages.ts").write_text(source)
    (folder / "node_modules").symlink_to(modules)
    options = OPTIONS | {"paths": variant.paths}
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": ["pages.ts"]}))
    done = run(modules / "typescript/lib/tsc.js", ["--project", folder, "--preserveSymlinks"])
    lines = source.splitlines()
    found = re.findall(r"pages\.ts\((\d+),\d+\): error TS\d+: (.*)", done.stdout)
    assert bool(done.returncode) == bool(found), done.stdout
    return [f"{lines[int(line) - 1].rpartition('// ')[2]}: {message}" for line, message in found]


@pytest.mark.parametrize("variant", [NEWEST, OLDEST, FOUNDATION], ids=lambda variant: variant.name)
def test_grafana_has_a_type_for_everything(variant: Variant, tmp_path: Path) -> None:
    found = errors(PAGES, variant, tmp_path)
    patterns = [pattern for name, pattern in EXPLAINED if name == variant.name]
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


def test_what_grafana_has_no_type_for_is_found(tmp_path: Path) -> None:
    spoilt = []
    for uid, (path, key, value) in MISTAKES.items():
        page = copy.deepcopy(PAGES[0]) | {"uid": uid}
        part_at(page, path)[key] = value
        spoilt.append(page)
    found = [error for error in errors(spoilt, NEWEST, tmp_path) if "hidden" not in error]
    assert len(found) == len(MISTAKES), found
    for uid, (_, key, value) in MISTAKES.items():
        assert any(error.startswith(uid) and (key in error or str(value) in error) for error in found), uid
