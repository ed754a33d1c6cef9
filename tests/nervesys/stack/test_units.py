"""Units of systemd: systemd itself accepts them, and they run what the local stack would."""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from nervesys.settings import load
from nervesys.stack.layout import Service
from nervesys.stack.services import monitoring_services
from nervesys.stack.units import AGENT, TARGET, UnitSettings, agent_unit, command, monitoring_units

ROOT = Path(__file__).parents[3]


def units(home: Path) -> dict[str, str]:
    services = monitoring_services(home, load().settings, lambda _: Path("/bin/true"))
    settings = UnitSettings(home, "root", ("/bin/true", "-m", "nervesys"), (home / "brain",))
    return monitoring_units(services, settings)


def test_there_is_a_unit_for_each_service_and_the_target_wants_them_all(tmp_path: Path) -> None:
    made = units(tmp_path)
    wanted = next(line for line in made[TARGET].splitlines() if line.startswith("Wants=")).removeprefix("Wants=")
    assert {*wanted.split(), TARGET, "nervesys-configuration.service"} == set(made)
    assert "nervesys-exporters.service" in made
    assert made.keys().isdisjoint({"nervesys-s3.service", "nervesys-vital-signs.service"}), "parts of the demo"
    assert f"EnvironmentFile=-{tmp_path}/.env" in made["nervesys-receiver.service"]
    assert f"ReadWritePaths={tmp_path} {tmp_path}/brain" in made["nervesys-receiver.service"]


def test_the_unit_of_agents_is_the_shipped_one() -> None:
    shipped = (ROOT / "scripts" / AGENT).read_text()
    assert agent_unit("/opt/nervesys/venv/bin/nervesys", "/opt/nervesys") == shipped


def test_words_are_quoted_as_systemd_reads_them() -> None:
    assert command(("a b", "100%", "$HOME", 'say "x"', "")) == '"a b" 100%% $$HOME "say \\"x\\"" ""'
    argv = ("/usr/bin/prometheus", "--web.listen-address=127.0.0.1:9090")
    assert shlex.split(command(argv)) == list(argv)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="this machine has no systemd")
def test_systemd_accepts_them(tmp_path: Path) -> None:
    home = tmp_path / "a home"
    for name, text in {**units(home), AGENT: agent_unit("/bin/true", "/opt/nervesys")}.items():
        (tmp_path / name).write_text(text)
    names = [str(tmp_path / name) for name in (TARGET, *units(home))]
    ran = subprocess.run(
        ["systemd-analyze", "verify", *names, str(tmp_path / AGENT.replace("@", "@grok"))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    ours = [line for line in ran.stderr.splitlines() if "nervesys" in line and "User" not in line]
    assert ours == [], ran.stderr


def test_a_description_may_hold_a_percent_sign(tmp_path: Path) -> None:
    service = Service(name="x", about="100% of it", argv=("/bin/true",))
    made = monitoring_units([service], UnitSettings(tmp_path, "root", ("/bin/true",)))
    assert "Description=Nervesys: 100%% of it\n" in made["nervesys-x.service"]
