"""A container engine: the one that DOCKER_HOST names, or one of our own below a temporary folder.

Our own consists of the distribution's packages, unpacked and not installed, with its data, socket and process id in a
folder of its own. It needs root. Several engines would share one bridge and one set of firewall rules, so only one runs
at a time on a machine.
"""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from nervesys.stack.programs import ProgramMissing, unpack
from tests.servers.prometheus import PROGRAMS

SUITE = "trixie"
"""Its packages need no newer libc than the previous release has, but for runc."""
NEWER = ("docker.io", "docker-cli", "docker-compose", "docker-buildx", "containerd")
FIREWALL = ("iptables", "libip4tc2", "libip6tc2", "libxtables12", "libmnl0", "libnfnetlink0", "libnetfilter-conntrack3")
OWN = ("runc", *FIREWALL, "libnftnl11", "mmdebstrap")
"""Packages of the machine's own release, for their libraries."""
TABLES = ("iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore")
LOCK = Path(tempfile.gettempdir()) / "nervesys-engine.lock"
START_SECONDS, STOP_SECONDS = 60, 90


class NoEngine(Exception):
    """No engine can be used here; says why."""


@dataclass
class Engine:
    """An engine that runs.

    Attributes:
        environment: for its command line.
        own: whether it is ours, so that images may be replaced, and it may be restarted.
    """

    environment: Mapping[str, str]
    own: bool = False
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    _folder: Path = Path()

    def docker(self, *argv: str, check: bool = True, stdin: bytes | None = None, seconds: float = 600) -> str:
        """Run `docker` and return what it prints.

        Raises:
            AssertionError: it fails; with its errors.
        """
        ran = self.run(*argv, stdin=stdin, seconds=seconds)
        assert not check or ran.returncode == 0, f"docker {' '.join(argv)}: {ran.stderr.decode()[-4000:]}"
        return ran.stdout.decode()

    def run(
        self, *argv: str, stdin: bytes | None = None, seconds: float = 600, environ: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run `docker`, whatever comes of it."""
        return subprocess.run(
            ["docker", *argv],
            env={**self.environment, **(environ or {})},
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )

    def has(self, image: str) -> bool:
        """Whether it has an image."""
        return self.run("image", "inspect", image).returncode == 0

    def start(self) -> None:
        """Start our own, and wait until it answers.

        Raises:
            NoEngine: it does not start.
        """
        log = self._folder / "log"
        argv = ["dockerd", *_options(self._folder)]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                argv, env=dict(self.environment), stdout=output, stderr=output, start_new_session=True
            )
        deadline = time.monotonic() + START_SECONDS
        while self.run("version", seconds=START_SECONDS).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                lines = log.read_text().splitlines()[-3:]
                self.stop()
                raise NoEngine(f"dockerd does not start: {' / '.join(lines)}")
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop our own, with all its containers, as a shutdown of the machine does."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


@contextmanager
def engine() -> Iterator[Engine]:
    """The engine that DOCKER_HOST names, or one of our own.

    Raises:
        NoEngine: there is none, and none can be started.
    """
    if os.environ.get("DOCKER_HOST"):
        yield _named()
        return
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = Path(tempfile.mkdtemp(prefix="engine-"))
        found = Engine(_environment(folder), own=True, _folder=folder)
        try:
            found.start()
            yield found
        finally:
            found.stop()
            _unmount(folder)
            shutil.rmtree(folder, ignore_errors=True)


def _named() -> Engine:
    found = Engine(dict(os.environ))
    try:
        ran = found.run("compose", "version", seconds=START_SECONDS)
    except FileNotFoundError:
        raise NoEngine("DOCKER_HOST names an engine, and there is no `docker` on PATH") from None
    if ran.returncode or found.run("version").returncode:
        raise NoEngine("the engine that DOCKER_HOST names does not answer, or has no `docker compose`")
    return found


def _options(folder: Path) -> tuple[str, ...]:
    return (
        f"--data-root={folder / 'data'}",
        f"--exec-root={folder / 'exec'}",
        f"--pidfile={folder / 'pid'}",
        f"--host=unix://{folder / 'socket'}",
        "--storage-driver=overlay2",
        "--shutdown-timeout=60",
    )


def _environment(folder: Path) -> dict[str, str]:
    """The programs of our own engine, fetched where they are missing, and the variables by which they are found."""
    if os.getuid() != 0:
        raise NoEngine("only root can start an engine; name a running one by DOCKER_HOST")
    try:
        own = unpack(PROGRAMS / "engine-own", "download", *OWN)
        newer = newer_packages("engine", *NEWER)
    except ProgramMissing as err:
        raise NoEngine(str(err)) from err
    programs, config = folder / "bin", folder / "config"
    programs.mkdir()
    for name in TABLES:
        (programs / name).symlink_to(own / "usr/sbin/xtables-nft-multi")
    config.mkdir()
    plugins = [str(newer / "usr/libexec/docker/cli-plugins")]
    (config / "config.json").write_text(json.dumps({"cliPluginsExtraDirs": plugins}))
    places = [programs, *(root / sub for root in (newer, own) for sub in ("usr/bin", "usr/sbin"))]
    libraries = next(own.glob("usr/lib/*-linux-*"))
    return {
        **os.environ,
        "PATH": ":".join((*map(str, places), os.environ["PATH"], "/usr/sbin", "/sbin")),
        "LD_LIBRARY_PATH": str(libraries),
        "XTABLES_LIBDIR": str(libraries / "xtables"),
        "DOCKER_HOST": f"unix://{folder / 'socket'}",
        "DOCKER_CONFIG": str(config),
    }


def newer_packages(name: str, *packages: str) -> Path:
    """Packages of a newer release than the machine's, unpacked; the machine's own apt does not notice.

    Raises:
        ProgramMissing: they cannot be had.
    """
    with tempfile.TemporaryDirectory() as scratch:
        sources = Path(scratch) / "newer.sources"
        keys = "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
        sources.write_text(f"Types: deb\nURIs: {mirror()}\nSuites: {SUITE}\nComponents: main\n{keys}")
        configuration = Path(scratch) / "apt.conf"
        configuration.write_text(f'Dir::Etc::sourcelist "{sources}";\nDir::Etc::sourceparts "-";\n')
        before = os.environ.get("APT_CONFIG")
        os.environ["APT_CONFIG"] = str(configuration)
        try:
            return unpack(PROGRAMS / name, "download", *packages)
        finally:
            os.environ.pop("APT_CONFIG")
            if before:
                os.environ["APT_CONFIG"] = before


def mirror() -> str:
    """Where the machine's own packages come from.

    Raises:
        ProgramMissing: the machine is not of a distribution that has these packages.
    """
    lists = (Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*"))
    text = "\n".join(file.read_text() for file in lists if file.is_file())
    found = re.search(r"(?:^URIs:|^deb(?: \[[^\]]*\])?) *(https?://\S+/debian)/?(?: |$)", text, re.MULTILINE)
    if not found:
        raise ProgramMissing("fetch an engine: only Debian's packages are known; name an engine by DOCKER_HOST")
    return found[1]


def _unmount(folder: Path) -> None:
    """Remove mounts that an engine that was killed left behind."""
    mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for path in sorted((path for path in mounted if path.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", path], check=False)
