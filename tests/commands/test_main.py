"""The command line as a whole.

Covers: commands, commands.main, commands.root, nervesys, nervesys.__main__.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from commands.root import COMMANDS, load_command
from nervesys import __version__
from nervesys.settings import STARTUP_VARIABLES, VARIABLES
from tests import brains
from tests.commands.conftest import Run


def test_the_help_lists_commands_options_and_environment(run: Run) -> None:
    text = run("--help").out
    words = [
        *COMMANDS,
        *STARTUP_VARIABLES,
        *(variable.name for variable in VARIABLES),
        "nervesys up",
        "Exit codes",
        "--version",
    ]
    assert [word for word in words if word not in text] == []


def test_the_version(run: Run) -> None:
    assert run("--version").out == f"{__version__}\n"
    assert run("--verbose", "--version").out == f"{__version__}\n"


@pytest.mark.parametrize(
    ("option", "modules"),
    [
        ("--version", ["typer", "rich", "nervesys.settings"]),
        ("--help", ["typer.rich_utils", "pydantic", "yaml", "nervesys.settings.loader"]),
    ],
)
def test_help_and_version_import_little(option: str, modules: list[str]) -> None:
    script = f"""
import sys
from commands import main
sys.argv = ["nervesys", {option!r}]
try:
    main()
except SystemExit:
    pass
print(*(name for name in {modules!r} if name in sys.modules), file=sys.stderr, end="")
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    ("argv", "suggestion"), [(["statsu"], "status"), (["config", "chek"], "check"), (["alerts", "explian"], "explain")]
)
def test_a_mistyped_command_suggests_the_nearest(run: Run, argv: list[str], suggestion: str) -> None:
    ran = run(*argv)
    assert (ran.code, f"Did you mean '{suggestion}'?" in ran.err) == (2, True)


def test_a_single_error_is_counted_in_the_singular(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/grafana.yaml").write_text("colour: red\n")
    ran = run("config", "check", "--brain", str(tmp_path))
    assert ran.err.splitlines()[0] == "The configuration is invalid (1 error):"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_has_help(run: Run, name: str) -> None:
    assert (load_command(name).help or "").strip()
    ran = run(name, "--help")
    assert (ran.code, f"Usage: nervesys {name}" in ran.out, "completion" in ran.out) == (0, True, False)


@pytest.mark.parametrize(
    "argv", [["confg"], ["config", "check", "--foo"], ["agent", "run"], ["agent", "run", "grok", "more"], ["config"]]
)
def test_wrong_use_is_2(run: Run, argv: list[str]) -> None:
    assert run(*argv).code == 2


def test_an_unreachable_brain_exits_with_1(run: Run, tmp_path: Path) -> None:
    ran = run("config", "check", "--home", str(tmp_path), "--brain", f"file://{tmp_path}/none.git")
    assert ran.code == 1
    assert ran.err.startswith(f"Failed: fetch main of file://{tmp_path}/none.git: ")


def test_what_a_program_keeps_is_for_its_user_alone(run: Run, tmp_path: Path) -> None:
    brains.write(tmp_path / "brain.git", {"config/agents/grok.yaml": b"agent: {}\n"})
    os.umask(0o022)
    assert run("config", "check", "--home", str(tmp_path / "home"), "--brain", str(tmp_path / "brain.git")).code == 0
    kept = [path for path in (tmp_path / "home").rglob("*") if "objects" not in path.parts]
    assert kept
    assert [path for path in kept if path.stat().st_mode & 0o077] == []


def test_a_folder_that_cannot_be_written_exits_with_1(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = run("alerts", "build", "--home", str(tmp_path / "home"), "--out", str(tmp_path / "file/out"))
    assert (ran.code, "\nFailed: write " in f"\n{ran.err}", f"{tmp_path}/file" in ran.err) == (1, True, True)


def test_a_brain_that_does_not_exist_exits_with_2(run: Run, tmp_path: Path) -> None:
    ran = run("agent", "run", "grok", "--brain", str(tmp_path / "nowhere"))
    assert (ran.code, f"brain: {tmp_path}/nowhere is neither a URL nor an existing folder" in ran.err) == (2, True)


def test_an_agent_that_the_brain_does_not_know_is_2(run: Run, tmp_path: Path) -> None:
    ran = run("agent", "run", "nobody", "--home", str(tmp_path))
    assert ran.code == 2
    assert "the brain has no config/agents/nobody.yaml; it knows: chatgpt, copilot" in ran.err


def test_a_package_that_is_missing_is_named_with_its_extra(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nervesys.agent", None)
    monkeypatch.delitem(sys.modules, "commands.agent", raising=False)
    ran = run("agent", "run", "grok")
    assert ran.code == 1
    assert "pip install 'nervesys-observability[agent]'" in ran.err


@pytest.mark.parametrize(
    "command", [("exporter", "store"), ("receiver",), ("artifacts", "serve"), ("dashboards", "serve")]
)
@pytest.mark.parametrize("address", ["17001", "127.0.0.1:65536", "a b:1"])
def test_an_address_that_is_none_is_wrong_use(run: Run, command: tuple[str, ...], address: str) -> None:
    ran = run(*command, "--listen", address)
    assert ran.code == 2
    assert "must be HOST:PORT" in ran.err


@pytest.mark.parametrize("argv", [("alerts", "check"), ("alerts", "build"), ("alerts", "test", "X"), ("receiver",)])
def test_errors_of_settings_and_alerts_are_reported_at_once(run: Run, argv: tuple[str, ...], tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "grafana.yaml").write_text("colour: red\n")
    (config / "alerts.yaml").write_text("engine: steam\n")
    ran = run(*argv, "--brain", str(tmp_path), "--home", str(tmp_path / "home"))
    assert ran.code == 2
    assert "config/grafana.yaml:1: grafana.colour: unknown key" in ran.err
    assert "config/alerts.yaml:1: engine: " in ran.err


@pytest.mark.parametrize(
    ("typed", "found"), [("st", "status"), ("up --de", "--demo"), ("alerts ch", "check"), ("compose", "compose-init")]
)
def test_a_shell_completes_commands_and_options(typed: str, found: str) -> None:
    words = f"nervesys {typed}"
    environ = {
        **os.environ,
        "_NERVESYS_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    argv = [sys.executable, "-m", "nervesys"]
    ran = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert found in ran.stdout.split(), ran.stderr
