"""libfaketime: sets the clock of one process, and of nobody else; the machine's, or the distribution's unpacked."""

from collections.abc import Mapping
from pathlib import Path

from nervesys.stack.programs import unpack

LIBRARY = "usr/lib/*/faketime/libfaketime.so.1"


def faketime(programs: Path, offset: Path) -> Mapping[str, str]:
    """The environment of a process whose clock is off by what stands in a file, such as `+1h`, at any instant.

    Its monotonic clock goes on as it is, as when somebody sets a machine's clock.

    Raises:
        ProgramMissing: it is neither here nor to be had.
    """
    here = next(Path("/").glob(LIBRARY), None)
    library = here or next(unpack(programs / "libfaketime", "download", "libfaketime").glob(LIBRARY))
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
