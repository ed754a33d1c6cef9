"""Images that cannot be pulled where only package registries can be reached: made from packages.

The base is the distribution itself, as the real one is without manual pages and translations. Prometheus and
Alertmanager are the distribution's programs with the paths, users and entry points of the real images. Grafana and the
socket proxy are programs that do as much as the compose file asks of them. An image that the engine has is used as it
is; one that can be pulled is pulled, unless the engine is our own.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.docker.engine import SUITE, Engine, mirror, newer_packages
from tests.servers.prometheus import PROGRAMS

BASE = "debian:trixie-slim"
PROMETHEUS, ALERTMANAGER = "prom/prometheus:v3.15.0", "prom/alertmanager:v0.34.1"
POSTGRES = "postgres:17.12-trixie"
GRAFANA, PROXY = "grafana/grafana:13.3.0", "wollomatic/socket-proxy:1.12.2"
OURS, STORE = "nervesys-observability:0.1.0", "nervesys-store:0.1.0"
HERE = Path(__file__).parent / "stand_ins"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
LEFT_OUT = ("doc", "man", "locale", "info")
PULL_SECONDS = 600
ROOM_BYTES = 1 << 30


def prepare(engine: Engine) -> None:
    """Have all images that are built from, and all foreign ones."""
    for image, make in MAKERS.items():
        if not engine.has(image) and (engine.own or engine.run("pull", image, seconds=PULL_SECONDS).returncode):
            make(engine, image)


def prepare_proxy(engine: Engine) -> None:
    """Have the socket proxy, whose stand-in is made from our own image."""
    if not engine.has(PROXY):
        _build(engine, PROXY, "socket_proxy")


def prepare_postgres(engine: Engine) -> None:
    """Have PostgreSQL, which only docker-compose.ha.yml names."""
    if not engine.has(POSTGRES) and (engine.own or engine.run("pull", POSTGRES, seconds=PULL_SECONDS).returncode):
        _build(engine, POSTGRES, "postgres")


def _base(engine: Engine, image: str) -> None:
    archive = PROGRAMS / f"{image.replace(':', '-')}.tar"
    if not archive.exists():
        with tempfile.TemporaryDirectory(dir=_memory()) as scratch:
            fresh = Path(scratch) / "base.tar"
            _bootstrap(fresh)
            shutil.move(fresh, archive)
    engine.docker("import", str(archive), image)


def _memory() -> str | None:
    """A folder in memory, where there is room: dpkg waits for the disk after each file otherwise."""
    shared = Path("/dev/shm")
    return str(shared) if os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > ROOM_BYTES else None


def _bootstrap(archive: Path) -> None:
    tools = PROGRAMS / "engine-own/debian/usr/bin"
    excluded = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in LEFT_OUT]
    # Through a proxy that inspects TLS, pip trusts the machine's authorities only where its configuration names them.
    trust = f'cp {AUTHORITIES} "$1/etc/machine-authorities.crt"; printf "{PIP}" > "$1/etc/pip.conf"'
    subprocess.run(
        [
            tools / "mmdebstrap",
            "--mode=root",
            "--variant=minbase",
            "--dpkgopt=force-unsafe-io",
            *excluded,
            "--dpkgopt=path-include=/usr/share/doc/*/copyright",
            f"--customize-hook={trust}",
            SUITE,
            str(archive),
            mirror(),
        ],
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}:/usr/sbin:/sbin", "TMPDIR": str(archive.parent)},
        check=True,
        capture_output=True,
        timeout=600,
    )


PIP = "[global]\\\\ncert = /etc/machine-authorities.crt\\\\n"


def _prometheus(engine: Engine, image: str) -> None:
    root = newer_packages("prometheus", "prometheus", "busybox-static")
    promtool = newer_packages("promtool", "promtool") / "usr/bin/promtool"
    files = {"prometheus": root / "usr/bin/prometheus", "promtool": promtool, "busybox": _busybox(root)}
    _build(engine, image, "prometheus", files)


def _alertmanager(engine: Engine, image: str) -> None:
    root = newer_packages("prometheus-alertmanager", "prometheus-alertmanager", "busybox-static")
    files = {"alertmanager": root / "usr/bin/prometheus-alertmanager", "busybox": _busybox(root)}
    _build(engine, image, "alertmanager", files | {"templates": root / "usr/share/prometheus/alertmanager"})


def _grafana(engine: Engine, image: str) -> None:
    _build(
        engine, image, "grafana", {"busybox": _busybox(newer_packages("prometheus", "prometheus", "busybox-static"))}
    )


def _busybox(root: Path) -> Path:
    return next(path for path in (root / "usr/bin/busybox", root / "bin/busybox") if path.exists())


def _build(engine: Engine, image: str, name: str, files: dict[str, Path] | None = None) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        context = Path(scratch) / "context"
        shutil.copytree(HERE / name, context)
        for file, source in (files or {}).items():
            (shutil.copytree if source.is_dir() else shutil.copy)(source, context / file)
        engine.docker("build", "--quiet", "--tag", image, str(context))


MAKERS: dict[str, Callable[[Engine, str], None]] = {
    BASE: _base,
    PROMETHEUS: _prometheus,
    ALERTMANAGER: _alertmanager,
    GRAFANA: _grafana,
}
