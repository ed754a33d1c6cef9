"""The processes of the local stack, with their arguments and addresses. Pure, but for finding the programs."""

import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from nervesys.errors import NervesysError
from nervesys.settings.monitoring import Monitoring
from nervesys.stack.grafana import service as grafana_service
from nervesys.stack.layout import Service
from nervesys.stack.programs import root_of

RCLONE = """RCLONE_AUTH_KEY="\\"$(cat "$1"),$(cat "$2")\\"" exec "$3" serve s3 --config= --addr "$4" "$5" """.strip()
"""A shell line that passes the keys to rclone through its environment, so that no argument list shows them."""
RETENTION = "30d"


def services(
    home: Path, monitoring: Monitoring, agents: Iterable[str], find: Callable[[str], Path], grafana: Path | None = None
) -> tuple[Service, ...]:
    """All processes, in the order in which they start.

    Args:
        home: of the stack.
        monitoring: the sources, and all addresses.
        agents: names of the fleet.
        find: returns the path of a program.
        grafana: path of Grafana; None if this machine has none.

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
    """The process that writes made-up vital signs."""
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

    def program(name: str, about: str, words: Sequence[str], address: str) -> Service:
        url = monitoring.web.url_of(f"{address}/")
        return Service(name=name, about=about, argv=_nervesys(*words), address=address, url=url)

    for name, source in monitoring.sources.items():
        yield program(f"{name}-exporter", f"exporter of the source {name}", ("exporter", name), source.listen)
    yield program("artifacts", "the artifact service", ("artifacts", "serve"), listen.artifacts)
    yield demo_service()
    yield program("receiver", "the receiver: alerts, actions and their journal", ("receiver",), listen.receiver)
    yield program("page", "the dashboards", ("dashboards", "serve"), listen.page)
    yield _alertmanager(home, listen.alertmanager, find("alertmanager"))
    yield _prometheus(home, listen.prometheus, find("prometheus"))


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
    about, folder = "Alertmanager: notifies people and the receiver", root_of(program)
    return Service(
        name="alertmanager", about=about, argv=argv, folder=folder, address=address, url=f"http://{address}/"
    )


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
    about = "Prometheus: scrapes metrics, evaluates alerts"
    return Service(name="prometheus", about=about, argv=argv, address=address, url=f"http://{address}/")


def command(argv: Iterable[str]) -> str:
    """An argument list in the quoting that supervisord expects."""
    return shlex.join(argv).replace("%", "%%")
