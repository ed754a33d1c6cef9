"""The services of the local stack. Pure, but for where the programs are."""

import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from nervesys.errors import NervesysError
from nervesys.settings.monitoring import Monitoring
from nervesys.stack.grafana import service as grafana_service
from nervesys.stack.layout import Service
from nervesys.stack.programs import root_of

RCLONE = """RCLONE_AUTH_KEY="\\"$(cat "$1"),$(cat "$2")\\"" exec "$3" serve s3 --config= --addr "$4" "$5" """.strip()
"""The keys reach rclone by its environment, and no argument list or file but theirs ever holds them."""
RETENTION = "30d"


def services(
    home: Path, monitoring: Monitoring, agents: Iterable[str], find: Callable[[str], Path], grafana: Path | None = None
) -> tuple[Service, ...]:
    """Everything that runs, in the order of start.

    Args:
        home: of the stack.
        monitoring: the sources, and all addresses.
        agents: names of the fleet.
        find: where a program is.
        grafana: where Grafana is; None leaves it out.

    Raises:
        NervesysError: an agent has the name of a service.
    """
    ours = tuple(_ours(home, monitoring, find))
    if grafana and (shown := grafana_service(home, monitoring.listen.grafana, grafana)):
        ours = (*ours, shown)
    taken = {service.name for service in ours} & set(agents)
    if taken:
        raise NervesysError(f"run the agents {', '.join(sorted(taken))}: services of the stack have these names")
    return (
        *ours,
        *agent_services(agents),
    )


def agent_services(agents: Iterable[str]) -> Iterator[Service]:
    """One process for each agent."""
    for name in agents:
        yield Service(name=name, about="agent", argv=_nervesys("agent", "run", name), agent=True)


def demo_service() -> Service:
    """What shows vital signs to look at."""
    return Service(name="vital-signs", about="entities of the demo", argv=_nervesys("demo", "pulse"))


def _ours(home: Path, monitoring: Monitoring, find: Callable[[str], Path]) -> Iterator[Service]:
    listen = monitoring.listen
    keys = [str(home / "secrets" / f"store_{kind}_key") for kind in ("access", "secret")]
    yield Service(
        name="s3",
        about="the store: an S3 server",
        argv=("sh", "-c", RCLONE, "s3", *keys, str(find("rclone")), listen.s3, str(home / "s3")),
        address=listen.s3,
    )
    for name, source in monitoring.sources.items():
        yield _service(f"{name}-exporter", f"metrics of the {name}", _nervesys("exporter", name), source.listen)
    yield _service("artifacts", "knows every artifact", _nervesys("artifacts", "serve"), listen.artifacts)
    yield demo_service()
    yield _service("receiver", "takes alerts and acts", _nervesys("receiver"), listen.receiver, "/actions")
    yield _service("page", "the dashboards, drawn", _nervesys("dashboards", "serve"), listen.page)
    yield _alertmanager(home, listen.alertmanager, find("alertmanager"))
    yield _prometheus(home, listen.prometheus, find("prometheus"))


def _service(name: str, about: str, argv: tuple[str, ...], address: str, page: str = "/") -> Service:
    return Service(name=name, about=about, argv=argv, address=address, url=f"http://{address}{page}")


def _nervesys(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "nervesys", *words)


def _alertmanager(home: Path, address: str, program: Path) -> Service:
    argv = (
        str(program),
        f"--config.file={home / 'provisioning/alertmanager/alertmanager.yml'}",
        f"--storage.path={home / 'alertmanager'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",  # alone: no second port, no wait for peers before the first message
    )
    alertmanager = _service("alertmanager", "tells people and the receiver", argv, address)
    return alertmanager.model_copy(update={"folder": root_of(program)})


def _prometheus(home: Path, address: str, program: Path) -> Service:
    # The distribution's build keeps its pages outside the program, and knows an option for them.
    pages = program.parent.parent / "share/prometheus/web"
    argv = (
        str(program),
        f"--config.file={home / 'provisioning/prometheus/prometheus.yml'}",
        f"--storage.tsdb.path={home / 'prometheus'}",
        f"--storage.tsdb.retention.time={RETENTION}",
        f"--web.listen-address={address}",
        *([f"--web.local-assets={pages}/"] if pages.is_dir() else []),
    )
    return _service("prometheus", "scrapes and evaluates", argv, address)


def command(argv: Iterable[str]) -> str:
    """An argument list as supervisor reads it back."""
    return shlex.join(argv).replace("%", "%%")
