"""The processes of the local stack, with their arguments and addresses. Pure, but for finding the programs."""

import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from nervesys.errors import NervesysError
from nervesys.settings import Settings
from nervesys.settings.monitoring import Monitoring
from nervesys.stack.alertmanager import arguments
from nervesys.stack.grafana import service as grafana_service
from nervesys.stack.layout import Service
from nervesys.stack.programs import root_of

RCLONE = """RCLONE_AUTH_KEY="\\"$(cat "$1"),$(cat "$2")\\"" exec "$3" serve s3 --config= --addr "$4" "$5" """.strip()
"""A shell line that passes the keys to rclone through its environment, so that no argument list shows them."""
ARTIFACTS = "artifacts"
"""The source whose service runs beside its exporter."""
RETENTION = "100d"
"""Historical Trends looks 90 days back, and Prometheus deletes whole blocks."""


def demo_services(
    home: Path, settings: Settings, agents: Iterable[str], find: Callable[[str], Path], grafana: Path | None = None
) -> tuple[Service, ...]:
    """All processes of the demo, in the order in which they start: the store, the monitoring, the agents.

    Args:
        home: of the stack.
        settings: the sources, and all addresses.
        agents: names of the fleet.
        find: returns the path of a program.
        grafana: path of Grafana; None if this machine has none.

    Raises:
        NervesysError: an agent has the name of a service.
    """
    store = _store(home, settings.monitoring.listen.s3, find("rclone"))
    ours = (store, demo_service(), *monitoring_services(home, settings, find, grafana))
    taken = {service.name for service in ours} & set(agents)
    if taken:
        raise NervesysError(f"run the agents {', '.join(sorted(taken))}: services of the stack have these names")
    return (*ours, *agent_services(agents))


def monitoring_services(
    home: Path, settings: Settings, find: Callable[[str], Path], grafana: Path | None = None
) -> tuple[Service, ...]:
    """The processes that watch a fleet which runs elsewhere, in the order in which they start.

    Args:
        home: of the stack.
        settings: the sources, and all addresses.
        find: returns the path of a program.
        grafana: path of Grafana; None if this machine has none.
    """
    ours = tuple(_monitoring(home, settings, find))
    shown = grafana and grafana_service(home, settings.monitoring.listen.grafana, grafana)
    return (*ours, shown) if shown else ours


def agent_services(agents: Iterable[str]) -> Iterator[Service]:
    """One process for each agent."""
    for name in agents:
        yield Service(name=name, about="agent", argv=_nervesys("agent", "run", name), agent=True)


def demo_service() -> Service:
    """The process that writes made-up vital signs."""
    return Service(name="vital-signs", about="entities of the demo", argv=_nervesys("demo", "pulse"))


def _store(home: Path, address: str, program: Path) -> Service:
    keys = [str(home / "secrets" / f"store_{kind}_key") for kind in ("access", "secret")]
    argv = ("sh", "-c", RCLONE, "s3", *keys, str(program), address, str(home / "s3"))
    return Service(name="s3", about="the store: an S3 server", argv=argv, address=address)


def _monitoring(home: Path, settings: Settings, find: Callable[[str], Path]) -> Iterator[Service]:
    monitoring, listen = settings.monitoring, settings.monitoring.listen

    def program(name: str, about: str, words: Sequence[str], address: str, sources: tuple[str, ...] = ()) -> Service:
        url = monitoring.web.url_of(f"{address}/")
        return Service(name=name, about=about, argv=_nervesys(*words), address=address, url=url, sources=sources)

    if shared := settings.shared_sources:
        yield program("exporters", f"exporters of {', '.join(shared)}", ("exporter", "all"), listen.exporters, shared)
    for name, source in settings.sources.items():
        if name in shared:
            continue
        for number, address in enumerate(monitoring.exporters(name), 1):
            suffix, words = (f"-{number}", (f"--shard={number}/{source.shards}",)) if source.shards > 1 else ("", ())
            words = ("exporter", name, *words, f"--listen={address}")
            yield program(f"{name}-exporter{suffix}", f"exporter of the source {name}{suffix}", words, address)
    if ARTIFACTS in settings.sources:
        yield program("artifacts", "the artifact service", ("artifacts", "serve"), listen.artifacts)
    yield program("receiver", "the receiver: alerts, actions and their journal", ("receiver",), listen.receiver)
    yield program("logs", "log records for Grafana, by Loki's API", ("logs", "serve"), listen.logs)
    yield program("page", "the dashboards", ("dashboards", "serve"), listen.page)
    yield _alertmanager(home, monitoring, find("alertmanager"))
    yield _prometheus(home, listen.prometheus, find("prometheus"))


def _nervesys(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "nervesys", *words)


def _alertmanager(home: Path, monitoring: Monitoring, program: Path) -> Service:
    address = monitoring.listen.alertmanager
    config = str(home / "provisioning/alertmanager/alertmanager.yml")
    options = arguments(monitoring, config=config, data=str(home / "alertmanager"), listen=address)
    return Service(
        name="alertmanager",
        about="Alertmanager: notifies people and the receiver",
        argv=(str(program), *options),
        folder=root_of(program),
        address=address,
        url=f"http://{address}/",
    )


def _prometheus(home: Path, address: str, program: Path) -> Service:
    # The distribution's build keeps its pages outside the program, and knows an option for them.
    pages = program.parent.parent / "share/prometheus/web"
    argv = (
        str(program),
        f"--config.file={home / 'provisioning/prometheus/prometheus.yml'}",
        "--enable-feature=exemplar-storage",
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
