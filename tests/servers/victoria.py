"""A real VictoriaMetrics: the machine's, or the distribution's unpacked."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nervesys.stack.programs import unpack
from tests.servers.prometheus import PROGRAMS, wait_until
from tests.servers.s3 import free_port

PACKAGE = NAME = "victoria-metrics"


@contextmanager
def victoria(folder: Path, retention: str = "100y") -> Iterator[str]:
    """One that runs over a folder of its own; yields its URL.

    Raises:
        ProgramMissing: it is neither here nor to be had.
    """
    found = shutil.which(NAME)
    program = found or next(unpack(PROGRAMS / PACKAGE, "download", PACKAGE).glob(f"usr/bin/{NAME}"))
    address = f"127.0.0.1:{free_port()}"
    options = (f"-storageDataPath={folder / 'victoria'}", f"-httpListenAddr={address}", f"-retentionPeriod={retention}")
    command = [str(program), *options, "-search.latencyOffset=0s"]
    with (folder / "log").open("ab") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            wait_until(f"http://{address}/health", folder / "log")
            yield f"http://{address}"
        finally:
            process.terminate()
