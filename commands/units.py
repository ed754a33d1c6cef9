"""`nervesys units`: units of systemd for the monitoring side, and for agents."""

import getpass
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from commands.generated import write
from commands.options import BrainUrl, Home, open_settings
from commands.typed import program
from nervesys.settings import Settings, StartupSettings
from nervesys.stack.programs import PROGRAMS, find_installed
from nervesys.stack.services import monitoring_services
from nervesys.stack.units import AGENT, TARGET, UnitSettings, agent_unit, monitoring_units

app = typer.Typer()
PACKAGED = Path("/usr/bin")
"""Where the distribution's packages put programs."""
AGENT_ROOT = "/opt/nervesys"
"""Where scripts/bootstrap.sh installs on the machine of an agent."""


@app.command()
def units(
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("units"),
    user: Annotated[str | None, typer.Option(help="User that runs the programs (default: you).")] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if a file is out of date.")] = False,
    home: Home = None,
    brain: BrainUrl = None,
) -> None:
    """Write units of systemd for each program of the monitoring side, and a template for agents.

    They run what `nervesys up` would run, without supervisor: Prometheus and Alertmanager from their packages, the
    exporters, the receiver and the dashboards.
    """
    start = open_settings("units", home=home, brain=brain)
    console = Console(highlight=False, soft_wrap=True)
    written = write(out, plan_units(start.place, start.loaded.settings, user), check=check)
    for path in written:
        console.print(f"{'stale' if check else 'wrote'} {path}")
    if check and written:
        raise typer.Exit(1)
    console.print(f"All units are up to date in {out}." if not written else "")
    console.print(
        f"Install them: sudo cp {out}/nervesys-*.service {out}/{TARGET} /etc/systemd/system/ && sudo systemctl "
        f"daemon-reload && sudo systemctl enable --now {TARGET}\nBefore, stop what `{program()} up` started: "
        f"{program()} down"
    )


def plan_units(place: StartupSettings, settings: Settings, user: str | None = None) -> dict[str, str]:
    """The text of each unit by its file name.

    Args:
        place: the home, and the brain.
        settings: of the brain.
        user: that runs the programs; None for the current one.
    """
    brain = Path(place.brain).absolute() if place.brain and Path(place.brain).exists() else None
    shared = UnitSettings(
        home=place.home,
        user=user or getpass.getuser(),
        nervesys=(sys.executable, "-m", "nervesys"),
        writable=(brain,) if brain else (),
    )
    services = monitoring_services(place.home, settings, lambda name: _find(name, place.home))
    agent = agent_unit(f"{AGENT_ROOT}/venv/bin/nervesys", AGENT_ROOT)
    return {**monitoring_units(services, shared), AGENT: agent}


def _find(name: str, home: Path) -> Path:
    """A program of this machine; where its package will put it, if it is missing."""
    return find_installed(name, home / "programs") or PACKAGED / PROGRAMS[name].names[-1]
