"""The example of docs/how-to/add-a-source.md, added to a copy of the repository and run there as a user would."""

import filecmp
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/how-to/add-a-source.md"
PARTS = ("alerting", "commands", "config", "dashboards", "exporters", "nervesys", "reports", "provisioning")
"""The packages, and what they read and generate; the tests and the documentation are not needed to run a source."""
GENERATED = shutil.ignore_patterns("__pycache__", ".*")


def example(language: str) -> str:
    block = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert block
    return block[1]


def add_source(repository: Path) -> None:
    """Follow the page: write the module to the path that it names, and the line below the table that it names."""
    module = re.search(r"As an example, `(exporters/\w+\.py)`", PAGE.read_text())
    assert module
    (repository / module[1]).write_text(example("python"))
    table, line = example("yaml").splitlines()
    settings = repository / "config/monitoring.yaml"
    lines = settings.read_text().splitlines()
    at = next(number for number, text in enumerate(lines) if text.startswith(table))
    settings.write_text("\n".join([*lines[: at + 1], line, *lines[at + 1 :], ""]))


def changes(before: Path, after: Path) -> dict[str, int]:
    """The files that differ, each with the number of lines that it has more."""
    changed = {}
    for path in sorted(after.rglob("*")):
        name = path.relative_to(after)
        old = before / name
        if path.is_file() and not (old.is_file() and filecmp.cmp(path, old, shallow=False)):
            lines = len(old.read_text().splitlines()) if old.is_file() else 0
            changed[str(name)] = len(path.read_text().splitlines()) - lines
    return changed


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("copy")
    for part in PARTS:
        shutil.copytree(ROOT / part, copy / part, ignore=GENERATED)
    add_source(copy)
    return copy


def nervesys(repository: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the copy: Python imports from its working directory before any installed package."""
    command = [sys.executable, "-B", "-m", "nervesys", *argv]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=120, check=False)


def test_a_source_is_one_file_and_one_line(repository: Path) -> None:
    changed = changes(ROOT, repository)
    assert set(changed) == {"exporters/disk.py", "config/monitoring.yaml"}
    assert changed["config/monitoring.yaml"] == 1
    assert "A source needs no more: one file, one line." in PAGE.read_text()


def test_the_exporter_of_a_new_source_runs(repository: Path, tmp_path: Path) -> None:
    done = nervesys(repository, "exporter", "disk", "--once", "--home", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert re.search(r'^nervesys_disk_free_bytes\{folder="home"\} [1-9]', done.stdout, re.MULTILINE)
    assert 'nervesys_exporter_up{area="disk",source="disk"} 1.0' in done.stdout


def test_it_fails_as_the_page_says(repository: Path, tmp_path: Path) -> None:
    done = nervesys(repository, "exporter", "disk", "--once", "--home", str(tmp_path / "nowhere"))
    assert done.returncode == 1
    assert f"disk: read the free space of {tmp_path / 'nowhere'}: No such file or directory" in done.stderr


def test_prometheus_scrapes_a_new_source_and_the_alerts_on_exporters_cover_it(repository: Path, tmp_path: Path) -> None:
    built = tmp_path / "built"
    shutil.copytree(repository, built)
    done = nervesys(built, "alerts", "build")
    assert done.returncode == 0, done.stderr
    assert "metrics_path: /metrics/disk" in (built / "provisioning/prometheus/prometheus.yml").read_text()
    rules = (built / "provisioning/prometheus/rules/nervesys.yml").read_text()
    assert 'absent(up{job="disk"})' in rules
    assert 'nervesys_exporter_up{source="disk",area="disk"}' in rules


def test_conditions_compare_the_values_of_a_new_source_by_its_word(repository: Path) -> None:
    done = nervesys(
        repository, "alerts", "explain", "--prometheus", "http://127.0.0.1:1", "free space < 5 GB for 10 minutes"
    )
    assert done.returncode == 0, done.stderr
    assert "max_over_time(nervesys_disk_free_bytes[10m]) < 5000000000" in done.stdout
    assert 'nervesys_exporter_last_success_timestamp_seconds{source="disk",area="disk"}' in done.stdout
