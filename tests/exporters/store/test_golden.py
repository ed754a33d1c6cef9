"""Golden exposition: a folder as the store would hold it, and byte for byte what is served.

golden/CASE/in/        objects; `.jsonl` files are gzipped where the layout's keys end in `.gz`
golden/CASE/config/    the brain's files, where the case has any
golden/CASE/case.yaml  the store's clock, and LastModified by pattern of key, the last that fits
golden/CASE/out.prom   what is served; rewritten by `pytest --update-golden`
golden/CASE/rejected.txt  what was rejected: reason and key

Covers: exporters.store, exporters.store.agents, exporters.store.metrics, exporters.store.logs, exporters.store.sizes.
"""

import gzip
import os
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporters.runner import Runner
from exporters.store import SOURCE, areas_of
from nervesys.settings import FolderTree, load
from tests.exporters.kit import HandClock, Rejections, context
from tests.stores import FolderStore

GOLDEN = Path(__file__).parent.parent / "golden"
CASES = sorted(path for path in GOLDEN.iterdir() if (path / "case.yaml").is_file())


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_exposition(
    case: Path,
    tmp_path: Path,
    golden: Callable[[Path, bytes], None],
    golden_exposition: Callable[[Path, Runner], None],
) -> None:
    facts, loaded = yaml.safe_load((case / "case.yaml").read_text()), load(FolderTree(case))
    _lay(case / "in", tmp_path, facts["modified"], loaded.settings.storage.storj.paths.active_logs.endswith(".gz"))
    opened = context(HandClock(facts["now"].timestamp()), once=True)
    opened = replace(opened, settings=loaded.settings, agents=loaded.agents)
    rejections = Rejections(opened.health.reject)
    opened.health.reject = rejections  # type: ignore[method-assign]  # looks on
    runner = Runner(replace(SOURCE, areas=lambda it: areas_of(FolderStore(tmp_path), it)), opened)
    assert runner.read_everything(), runner.problems()
    golden_exposition(case / "out.prom", runner)
    golden(case / "rejected.txt", rejections.text().encode())


def _lay(source: Path, bucket: Path, modified: dict[str, Any], gzipped: bool) -> None:
    """The objects of a case as a bucket."""
    bucket.mkdir(exist_ok=True)
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        key, body = file.relative_to(source).as_posix(), file.read_bytes()
        if gzipped and key.endswith(".jsonl"):
            key, body = f"{key}.gz", gzip.compress(body, mtime=0)
        if "too-large" in key:
            body += b" " * (1 << 20)
        target = bucket / key
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
        at = [when for pattern, when in modified.items() if fnmatch(key, pattern)][-1].timestamp()
        os.utime(target, (at, at))
