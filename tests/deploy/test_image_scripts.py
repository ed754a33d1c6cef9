"""The scripts that make the images: what is removed, and what the bill of materials lists."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.deploy.site import ROOT


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / f"scripts/{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "lib/python3.13/site-packages"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def put(site: Path) -> Callable[..., None]:
    """Write an installed distribution: its files, and what it requires."""

    def write(name: str, *files: str, requires: tuple[str, ...] = ()) -> None:
        info = site / f"{name}-1.dist-info"
        info.mkdir()
        lines = (
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
            *(f"Requires-Dist: {each}\n" for each in requires),
        )
        (info / "METADATA").write_text("".join(lines))
        (info / "RECORD").write_text("".join(f"{file},,\n" for file in (*files, f"{info.name}/METADATA")))
        for file in files:
            (site / file).parent.mkdir(parents=True, exist_ok=True)
            (site / file).write_text("")

    return write


def slim(tmp_path: Path) -> set[str]:
    subprocess.run([sys.executable, ROOT / "scripts/slim_venv.py", tmp_path], check=True)
    return {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}


def test_an_environment_loses_what_only_builds_it_and_keeps_what_something_else_requires(
    tmp_path: Path, site: Path, put: Callable[..., None]
) -> None:
    put(
        "hatchling",
        "hatchling/build.py",
        "../../../bin/hatchling",
        requires=("packaging>=24", "pluggy>=1; python_version > '3'"),
    )
    put("pluggy", "pluggy/__init__.py")
    put("packaging", "packaging/__init__.py")
    put("user", "user.py", requires=("Packaging",))
    put("root", "root.py")
    left = slim(tmp_path)
    assert not {path for path in left if "hatchling" in path or "pluggy" in path}
    assert {path.rpartition("/")[2] for path in left if path.endswith(".py")} == {"__init__.py", "user.py", "root.py"}


def test_an_environment_loses_data_of_services_that_are_never_called(tmp_path: Path, put: Callable[..., None]) -> None:
    kept = (
        "botocore/data/s3/2006-03-01/service-2.json.gz",
        "botocore/data/sts/2011-06-15/service-2.json.gz",
        "botocore/data/endpoints.json",
        "googleapiclient/discovery_cache/documents/drive.v3.json",
        "pkg/testing.py",
        "pygments/lexers/python.py",
    )
    gone = (
        "botocore/data/ec2/2016-11-15/service-2.json.gz",
        "botocore/data/s3/2006-03-01/examples-1.json.gz",
        "googleapiclient/discovery_cache/documents/drive.v2.json",
        "pkg/tests/test_pkg.py",
        "pkg/pkg.pyi",
        "pygments/lexers/perl.py",
    )
    put("many", *kept, *gone)
    left = slim(tmp_path)
    assert {path.partition("site-packages/")[2] for path in left if "dist-info" not in path} == set(kept)


def test_the_bill_lists_each_package_that_the_markers_choose_with_its_hashes() -> None:
    lock = (
        "# made by a tool\n"
        "colorama==0.4.6 ; sys_platform == 'win32' \\\n    --hash=sha256:" + "a" * 64 + "\n    # via typer\n"
        "Some_Name==1.2.post1 \\\n    --hash=sha256:" + "b" * 64 + " \\\n    --hash=sha256:" + "c" * 64 + "\n"
        "last==2\n"
    )
    components = script("sbom").bill(lock)["components"]
    assert [each["purl"] for each in components] == ["pkg:pypi/last@2", "pkg:pypi/some-name@1.2.post1"]
    assert [each["value"] for each in components[1]["properties"]] == ["b" * 64, "c" * 64]


def test_the_bill_of_the_shipped_lock_is_whole_and_the_same_each_time() -> None:
    argv = [sys.executable, str(ROOT / "scripts/sbom.py"), str(ROOT / "requirements-agent.lock")]
    first, second = (subprocess.run(argv, check=True, capture_output=True).stdout for _ in range(2))
    assert first == second
    names = {each["name"] for each in json.loads(first)["components"]}
    assert {"botocore", "pygit2", "backports-zstd"} <= names
