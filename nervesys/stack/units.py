"""Units of systemd for the monitoring side and for agents. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nervesys.stack.layout import Service

PREFIX = "nervesys-"
TARGET, CONFIGURATION = "nervesys.target", f"{PREFIX}configuration.service"
AGENT = f"{PREFIX}agent@.service"
HARDENING = """\
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths={writable}
{more}PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
LockPersonality=yes
CapabilityBoundingSet=
"""
NO_HOME = "ProtectHome=yes\n"
"""Only for agents: the home of the monitoring side may lie below /home."""


@dataclass(frozen=True)
class UnitSettings:
    """What the units of the monitoring side share.

    Attributes:
        home: NERVESYS_HOME, absolute.
        user: that runs the programs, and owns the home.
        writable: further folders that they write to, such as a brain on this machine.
        nervesys: the command and arguments that start `nervesys`.
    """

    home: Path
    user: str
    nervesys: tuple[str, ...]
    writable: tuple[Path, ...] = ()


def monitoring_units(services: Iterable[Service], settings: UnitSettings) -> dict[str, str]:
    """The text of each unit by its file name: one for each service, one that writes their files, one for all.

    Args:
        services: of the monitoring side.
        settings: what they share.
    """
    services = tuple(services)
    names = [f"{PREFIX}{service.name}.service" for service in services]
    units = {name: _unit(service, settings) for name, service in zip(names, services, strict=True)}
    return {TARGET: _target(names), CONFIGURATION: _configuration(settings), **units}


def agent_unit(nervesys: str, root: str) -> str:
    """The template of an agent's unit.

    Args:
        nervesys: path of the program.
        root: folder with `agent.env`, and the agents' home.
    """
    return f"""\
# One agent under systemd: systemctl enable --now nervesys-agent@grok
# scripts/bootstrap.sh installs it; for a fleet whose receiver restarts agents, name this unit in its driver `systemd`.

[Unit]
Description=Nervesys agent %i
After=network-online.target
Wants=network-online.target

[Service]
EnvironmentFile={root}/agent.env
ExecStart={nervesys} agent run %i
User=nervesys
# The receiver restarts agents, and proves that it helped; a second restart by systemd would start the agent twice.
Restart=no
TimeoutStopSec=15
{HARDENING.format(writable=f"{root}/home", more=NO_HOME)}
[Install]
WantedBy=multi-user.target
"""


def _target(names: Sequence[str]) -> str:
    return f"""\
# The monitoring side of a fleet: systemctl enable --now {TARGET}
[Unit]
Description=Nervesys: the monitoring of a fleet
Wants={" ".join(names)}

[Install]
WantedBy=multi-user.target
"""


def _configuration(settings: UnitSettings) -> str:
    out = str(settings.home / "provisioning")
    alerts = (*settings.nervesys, "alerts", "build", "--out", out, "--secrets", str(settings.home / "secrets"))
    dashboards = (*settings.nervesys, "dashboards", "build", "--out", out)
    return f"""\
# Writes what Prometheus and Alertmanager load. After a change in the brain: systemctl restart {TARGET}
[Unit]
Description=Nervesys: configuration of Prometheus and Alertmanager
PartOf={TARGET}
After=network-online.target
Wants=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={command(alerts)}
ExecStart={command(dashboards)}
{_common(settings, settings.home)}"""


def _unit(service: Service, settings: UnitSettings) -> str:
    return f"""\
[Unit]
Description=Nervesys: {service.about.replace("%", "%%")}
PartOf={TARGET}
After={CONFIGURATION}
Requires={CONFIGURATION}

[Service]
ExecStart={command(service.argv)}
Restart=always
RestartSec=5
{_common(settings, service.folder or settings.home)}"""


def _common(settings: UnitSettings, folder: Path) -> str:
    writable = " ".join(quote(str(path)) for path in (settings.home, *settings.writable))
    return f"""\
EnvironmentFile=-{escape(str(settings.home / ".env"))}
Environment={quote(f"NERVESYS_HOME={settings.home}")} PYTHONUNBUFFERED=1 MALLOC_ARENA_MAX=2
WorkingDirectory={escape(str(folder))}
User={settings.user}
UMask=0077
{HARDENING.format(writable=writable, more="")}"""


def command(argv: Iterable[str]) -> str:
    """An argument list in the quoting of systemd's ExecStart."""
    return " ".join(quote(word.replace("$", "$$")) for word in argv)


def quote(word: str) -> str:
    """A word, in quotes if it needs them."""
    word = escape(word)
    plain = word and not any(character in word for character in " \t\n;\"'\\")
    return word if plain else '"' + word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def escape(text: str) -> str:
    """Text without systemd's specifiers."""
    return text.replace("%", "%%")
