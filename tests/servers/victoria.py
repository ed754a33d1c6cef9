"""A real VictoriaMetrics: the machine's, or the distribution's unpacked."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nervesys.stack.programs import unpack
from tests.servers.prometheus import PROGRAMS, wait_until
from tests.servers.s3 import free_port

PACKAGE = NAME = "victoria-metrics"
FOLDER = "VICTORIA_METRICS_PROGRAMS"
"""Variable that names a folder with the programs of another release."""


def find(name: str) -> str:
    """The path of one of its programs: of the folder that is named, the machine's, or the distribution's unpacked.

    Raises:
        ProgramMissing: it is neither here nor to be had.
    """
    if FOLDER in os.environ:
        return str(Path(os.environ[FOLDER]) / name)
    return shutil.which(name) or str(next(unpack(PROGRAMS / PACKAGE, "download", PACKAGE).glob(f"usr/bin/{name}")))


@contextmanager
def victoria(folder: Path, retention: str = "100y") -> Iterator[str]:
    """One that runs over a folder of its own; yields its URL.

    Raises:
        ProgramMissing: it is neither here nor to be had.
    """
    address = f"127.0.0.1:{free_port()}"
    options = (f"-storageDataPath={folder / 'victoria'}", f"-httpListenAddr={address}", f"-retentionPeriod={retention}")
    command = [find(NAME), *options, "-search.latencyOffset=0s"]
    with (folder / "log").open("ab") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            wait_until(f"http://{address}/health", folder / "log")
            yield f"http://{address}"
        finally:
            process.terminate()
