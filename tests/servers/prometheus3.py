"""Programs of Prometheus 3, from the distribution's testing release: docker-compose.yml ships 3, Debian 12 has 2."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nervesys.stack.programs import ProgramMissing, unpack

PACKAGES = ("prometheus", "promtool", "prometheus-alertmanager")
FOLDER = "testing"
RELEASE = "testing"


def programs_of_prometheus3(programs: Path) -> Path:
    """The folder with prometheus, promtool, prometheus-alertmanager and amtool; downloaded once.

    Args:
        programs: folder of downloaded programs.

    Raises:
        ProgramMissing: this machine's package manager knows no such release, or cannot reach it.
    """
    with _release(programs, RELEASE):
        return unpack(programs / FOLDER, "download", *PACKAGES) / "usr/bin"


@contextmanager
def _release(folder: Path, release: str) -> Iterator[None]:
    """Let apt-get read another release of the archive that this machine reads, and nothing else."""
    sources, configuration = folder / f"{release}.list", folder / f"{release}.conf"
    folder.mkdir(parents=True, exist_ok=True)
    sources.write_text(f"deb {_archive()} {release} main\n")
    configuration.write_text(f'Dir::Etc::sourcelist "{sources}";\nDir::Etc::sourceparts "/dev/null";\n')
    before = os.environ.get("APT_CONFIG")
    os.environ["APT_CONFIG"] = str(configuration)
    try:
        yield
    finally:
        os.environ.pop("APT_CONFIG")
        if before is not None:
            os.environ["APT_CONFIG"] = before


def _archive() -> str:
    """URL of the first archive of packages that this machine's apt-get reads."""
    words = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Component: main"]
    try:
        listed = subprocess.run(words, capture_output=True, text=True, check=True, timeout=30).stdout.split()
    except (OSError, subprocess.CalledProcessError) as err:
        raise ProgramMissing(f"find an archive of packages: {err}") from err
    found = next((url for url in listed if "security" not in url), None)
    if found is None:
        raise ProgramMissing("find an archive of packages: apt-get names none")
    return found
