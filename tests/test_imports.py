"""A test without servers loads no more than pytest and its own subject: heavy packages are imported on use."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEAVY = ("boto3", "hypothesis", "moto", "playwright", "psycopg")
RUN = f"""
import sys
from importlib.abc import MetaPathFinder

class Forbid(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in {HEAVY!r}:
            raise ModuleNotFoundError(f"forbidden here: {{name}}")

sys.meta_path.insert(0, Forbid())
import pytest
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "-p", "pytest_timeout", *sys.argv[1:]]))
"""
PURE = (
    "tests/alerting/receiver/test_blast_radius.py",
    "tests/dashboards/test_links.py",
    "tests/exporters/store/test_sizes.py",
    "tests/nervesys/stack/test_keys.py",
    "tests/nervesys/stores/test_lines.py",
)
"""Of folders with and without a conftest of their own."""


def test_pure_tests_need_no_heavy_package() -> None:
    argv = [sys.executable, "-c", RUN, *PURE]
    environ = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # hypothesis's own plugin loads hypothesis
    ran = subprocess.run(argv, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=150, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert " passed" in ran.stdout


def test_the_shared_conftest_loads_pytest_alone() -> None:
    script = "import sys, pytest; before = set(sys.modules); import tests.conftest; print(*(set(sys.modules) - before))"
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    loaded = {name.partition(".")[0] for name in ran.stdout.split()}
    assert loaded - sys.stdlib_module_names == {"tests"}


def test_property_tests_share_one_profile() -> None:
    direct = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("*.py")
        if path.name != "properties.py" and "\nfrom hypothesis" in path.read_text()
    ]
    assert direct == []
