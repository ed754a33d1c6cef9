"""A real PostgreSQL: the machine's, or the distribution's unpacked; run as a plain user, for it refuses root."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nervesys.stack.programs import unpack
from tests.servers.s3 import free_port

USER = "nobody"
"""Who runs it where the tests run as root."""
INSTALLED = Path("/usr/lib/postgresql")
DOWNLOAD = ("install", "--download-only", "--yes", "--no-install-recommends", "-oDebug::NoLocking=1", "postgresql")
"""The server, and what of its libraries the machine lacks."""


class Postgres:
    """One server with a folder of its own.

    Args:
        root: where `usr/lib/postgresql` lies.
        folder: empty, and its own.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        self._bin = max(root.glob("usr/lib/postgresql/*/bin"), key=lambda path: float(path.parent.name))
        self._libraries = ":".join(map(str, root.glob("usr/lib/*-linux-*"))) if root != Path("/") else ""
        self._data, self._port, self.sockets = folder / "data", free_port(), folder
        self._databases = 0
        self._as: dict[str, object] = {}
        if os.getuid() == 0:
            user = pwd.getpwnam(USER)
            shutil.chown(folder, user.pw_uid, user.pw_gid)
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self._run("initdb", "--username=nervesys", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")

    def start(self) -> None:
        """Start it, and wait until it answers; durability is a matter of the disk, which outlives it here."""
        options = (
            f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.sockets} -c fsync=off"
        )
        self._run("pg_ctl", "start", "--wait", "--silent", f"--log={self._data.parent}/log", f"--options={options}")

    def stop(self) -> None:
        """Stop it in the middle of whatever it does."""
        self._run("pg_ctl", "stop", "--mode=immediate", "--silent")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It stands still: connections stay open, and nothing is answered."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    def _signal(self, what: signal.Signals) -> None:
        main = int((self._data / "postmaster.pid").read_text().split()[0])
        for pid in (main, *map(int, Path(f"/proc/{main}/task/{main}/children").read_text().split())):
            os.kill(pid, what)

    def database(self) -> str:
        """URL of a new, empty database."""
        import psycopg  # not at the top: conftests import this module for its type only

        self._databases += 1
        name = f"journal_{self._databases}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self._url(name)

    def socket_url(self, url: str) -> str:
        """The same database by its socket, which other network namespaces reach too."""
        return f"postgresql://nervesys@/{url.rpartition('/')[2]}?host={self.sockets}&port={self._port}"

    def _url(self, name: str) -> str:
        return f"postgresql://nervesys@127.0.0.1:{self._port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._bin / program, f"--pgdata={self._data}", *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=60,
            cwd="/",
            env={**os.environ, "LD_LIBRARY_PATH": self._libraries, "TZ": "UTC"},
            **self._as,  # type: ignore[call-overload]  # user, group and groups, together or not at all
        )


@contextmanager
def postgres(programs: Path) -> Iterator[Postgres]:
    """A server that runs; fetched into the folder of programs where the machine has none.

    Raises:
        ProgramMissing: it is neither here nor to be had.
    """
    root = Path("/") if any(INSTALLED.glob("*/bin/initdb")) else unpack(programs / "postgresql", *DOWNLOAD)
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))  # pytest's own folders are closed to other users
    folder.chmod(0o711)  # for the socket
    try:
        server = Postgres(root, folder)
        server.start()
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder)
