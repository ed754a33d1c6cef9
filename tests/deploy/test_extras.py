"""Each extra stands alone: its commands and modules load with what it brings, and with nothing else."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.deploy.site import ROOT, extras, site

ALONE = {
    # extras: modules that must load, and commands whose help must come
    ("agent",): (("nervesys.agent", "nervesys.agent.round", "psutil"), ("agent", "round", "drill", "config")),
    ("agent", "analysis"): (("nervesys.agent.triage", "openai"), ("agent",)),
    ("artifacts",): (("nervesys.artifacts",), ("artifacts",)),
    ("drive",): (("nervesys.stores.drive",), ("config",)),
    ("agent", "otel"): (
        (
            "nervesys.agent.telemetry.telemetry",
            "nervesys.agent.telemetry.listener",
            "nervesys.agent.telemetry.providers",
        ),
        ("agent",),
    ),
    ("encryption",): (("pyrage",), ("config",)),
    ("exporters",): (
        ("exporters.store", "exporters.archive", "exporters.brain", "exporters.workspace", "exporters.vitality"),
        ("exporter", "history"),
    ),
    ("receiver",): (("alerting.receiver.program", "commands.doctor"), ("receiver", "doctor")),
    ("receiver", "kubernetes"): (("alerting.drivers.kubernetes",), ("receiver",)),
    ("receiver", "analysis"): (("alerting.receiver.llm_triage", "openai"), ("receiver",)),
    ("reports",): (("reports", "dashboards.build"), ("dashboards",)),
    ("artifacts", "s3fs"): (("nervesys.artifacts", "s3fs"), ("artifacts",)),
    ("agent", "langgraph"): (("nervesys.agent.checkpointer", "langgraph.checkpoint.postgres"), ("agent",)),
    ("mcp",): (("commands.mcp_server",), ("mcp",)),
    ("stack",): (("nervesys.stack", "nervesys.clients.supervisor"), ("down", "logs")),
    ("grafana",): (("grafana_client",), ("config",)),
    ("all",): ((), ("up", "down", "status", "demo", "alerts", "dashboards", "report", "compose-init", "docs")),
}
RUN = """
import sys
sys.path[:] = [sys.argv[1], *(path for path in sys.path if "site-packages" not in path)]
from importlib import import_module
for name in sys.argv[2].split():
    import_module(name)
from commands import main
for command in sys.argv[3].split():
    sys.argv = ["nervesys", *command.split("/"), "--help"]
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise
"""


def alone(folder: Path, chosen: tuple[str, ...], modules: str, commands: str) -> subprocess.CompletedProcess[str]:
    """Load modules and ask commands for help, in an install of these extras alone."""
    site(folder, *chosen)
    argv = [sys.executable, "-I", "-S", "-c", RUN, str(folder), modules, commands]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("chosen", ALONE, ids="+".join)
def test_an_extra_brings_all_that_it_needs(chosen: tuple[str, ...], tmp_path: Path) -> None:
    modules, commands = ALONE[chosen]
    ran = alone(tmp_path / "site", chosen, " ".join(modules), " ".join(commands))
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("Usage: nervesys ") == len(commands)


def test_every_extra_is_tried() -> None:
    assert sorted({extra for chosen in ALONE for extra in chosen}) == extras()


def test_without_its_extra_a_command_says_what_to_install(tmp_path: Path) -> None:
    ran = alone(tmp_path / "site", (), "nervesys.settings", "config exporter")
    assert ran.returncode == 1
    assert "Usage: nervesys config" in ran.stdout
    assert "pip install 'nervesys-observability[exporters]'" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_configuration_is_checked_without_any_extra(tmp_path: Path) -> None:
    site(tmp_path / "site")
    (tmp_path / "site/config").symlink_to(ROOT / "config")
    brain = tmp_path / "brain/config/agents"
    brain.mkdir(parents=True)
    (brain / "grok.yaml").write_text("agent: {name: grok, restart: {driver: docker, target: 'a:b'}}\n")
    code = RUN.partition("from importlib")[0] + "from commands import main; sys.argv[1:] = sys.argv[2:]; main()"
    argv = [sys.executable, "-I", "-S", "-c", code, str(tmp_path / "site"), "config", "check"]
    ran = subprocess.run([*argv, "--brain", str(tmp_path / "brain")], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 2
    assert "agent.restart.target: not a container's name or id" in ran.stdout + ran.stderr


def test_the_lock_of_agents_is_the_part_of_the_lock_that_they_need(tmp_path: Path) -> None:
    whole, agents = (_locked(ROOT / name) for name in ("requirements.lock", "requirements-agent.lock"))
    assert agents.items() <= whole.items()
    needed = {canonicalize_name(package.metadata["Name"]) for package in site(tmp_path / "site", "agent")}
    assert needed <= agents.keys()


def _locked(file: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", file.read_text(), re.MULTILINE))
