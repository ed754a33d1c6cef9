"""The service that makes blocks of history, run as the compose file has it, with the real promtool."""

import gzip
import os
import subprocess
from pathlib import Path

import pytest

from nervesys.stack.programs import find
from tests.deploy.native import compose
from tests.servers.prometheus import PROGRAMS
from tests.waiting import until

SERVICES = compose({})["services"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("history", "prometheus"):
        (tmp_path / name).mkdir()
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    (folder / "history" / f"{name}.om.gz").write_bytes(gzip.compress(text.encode()))


def command(folder: Path) -> list[str]:
    (script,) = SERVICES["history"]["command"]
    for place in ("history", "prometheus"):
        script = script.replace(f"/{place}", str(folder / place))
    return ["/bin/sh", "-c", script]


def environ() -> dict[str, str]:
    return {"PATH": f"{find('promtool', PROGRAMS).parent}:{os.environ['PATH']}"}


def made(folder: Path) -> set[str]:
    return {path.parent.name for path in (folder / "prometheus").glob("*/meta.json")}


def blocks(folder: Path) -> set[str]:
    ran = subprocess.run(command(folder), env=environ(), capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    return made(folder)


def test_blocks_are_made_once_of_each_file(folder: Path) -> None:
    write(folder, "samples-a", "x 1 1000000\nx 2 1000060\n# EOF\n")
    made = blocks(folder)
    assert len(made) == 1
    assert blocks(folder) == made
    write(folder, "samples-b", "x 3 2000000\n# EOF\n")
    assert len(blocks(folder)) == 2


def test_without_files_or_with_a_damaged_one_the_stack_starts(folder: Path) -> None:
    assert blocks(folder) == set()
    write(folder, "samples-a", "not of this format")
    write(folder, "samples-b", "x 1 1000000\n# EOF\n")
    assert len(blocks(folder)) == 1
    assert not list((folder / "prometheus/.nervesys-history").glob("new*"))


def test_both_services_run_the_same_before_and_after_prometheus() -> None:
    assert SERVICES["backfill-blocks"]["command"] == SERVICES["history"]["command"]
    assert "history" in SERVICES["prometheus"]["depends_on"]
    assert "REPEAT_SECONDS" not in SERVICES["history"].get("environment", {}), "Prometheus would never start"


def test_what_comes_later_becomes_blocks_too_until_it_is_stopped(folder: Path) -> None:
    with subprocess.Popen(command(folder), env=environ() | {"REPEAT_SECONDS": "0.1"}) as repeating:
        write(folder, "samples-a", "x 1 1000000\n# EOF\n")
        until(lambda: len(made(folder)) == 1)
        write(folder, "samples-b", "x 3 2000000\n# EOF\n")
        until(lambda: len(made(folder)) == 2)
        repeating.terminate()
        assert repeating.wait(20) == 0


def test_the_setting_is_enough() -> None:
    assert "profiles" not in SERVICES["backfill"] | SERVICES["backfill-blocks"]
    assert "--at-start" in SERVICES["backfill"]["command"]
