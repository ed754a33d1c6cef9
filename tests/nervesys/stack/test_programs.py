"""Programs are found where they are, fetched where they are not, and asked for by one command where neither works."""

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nervesys.stack import programs
from nervesys.stack.programs import PROGRAMS, ProgramMissing, find, find_installed


def script(path: Path, body: str = "exit 0") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("name", ["prometheus", "promtool", "alertmanager", "amtool", "rclone", "supervisord"])
def test_every_program_of_the_stack_is_to_be_had_and_runs(name: str, program: Callable[[str], str]) -> None:
    ask = "version" if name == "rclone" else "--version"
    assert subprocess.run([program(name), ask], capture_output=True, timeout=30, check=True)


def test_a_program_on_the_path_wins_under_any_of_its_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find_installed("alertmanager", tmp_path / "programs") is None
    renamed = script(tmp_path / "bin" / "prometheus-alertmanager")
    assert find("alertmanager", tmp_path / "programs") == renamed


def test_two_who_need_a_program_at_once_fetch_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    fetched: list[Path] = []

    def unpack(scratch: Path, command: tuple[str, ...]) -> None:
        fetched.append(scratch)
        script(scratch / "root/usr/bin/promtool")

    monkeypatch.setattr(programs, "_unpack", unpack)
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: find("promtool", tmp_path), range(8)))
    assert found == {tmp_path / "debian/usr/bin/promtool"}
    assert len(fetched) == 1
    assert not fetched[0].exists()


@pytest.mark.parametrize(
    ("name", "apt", "problem"),
    [
        pytest.param("promtool", None, "put prometheus, prometheus-alertmanager on PATH", id="no package manager"),
        pytest.param(
            "promtool", "echo 'E: no network' >&2; exit 100", "E: no network; type: sudo apt-get", id="offline"
        ),
        pytest.param("rclone", None, PROGRAMS["rclone"].remedy, id="not of the distribution"),
    ],
)
def test_what_cannot_be_had_is_asked_for_by_one_command(
    name: str, apt: str | None, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    if apt:
        script(tmp_path / "bin" / "apt-get", apt)
    with pytest.raises(ProgramMissing) as raised:
        find(name, tmp_path / "programs")
    assert problem in str(raised.value)


def test_promtool_may_be_in_a_package_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    fetch = 'case "$*" in *"download promtool") : > promtool.deb;; *download*) : > prometheus.deb;; esac'
    script(tmp_path / "bin" / "apt-get", fetch)
    file = '"$3/usr/bin/$(/usr/bin/basename "$2" .deb)"'
    script(tmp_path / "bin" / "dpkg-deb", f'/bin/mkdir -p "$3/usr/bin"; : > {file}; /bin/chmod 755 {file}')
    assert find("promtool", tmp_path / "programs").name == "promtool"
    assert find("prometheus", tmp_path / "programs").name == "prometheus"
