"""This machine: versions of the programs that are called, room on the disk, and the addresses of our programs."""

import re
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from commands.diagnosis.finding import DoctorFinding, fail, ok, warn
from nervesys import __version__
from nervesys.stores import git

OLDEST_GIT = (2, 31)
"""The first release that reads settings, and with them credentials, from GIT_CONFIG_COUNT."""
LOW_SHARE = 0.05


def judge_git(version: str | None) -> DoctorFinding:
    """Whether git can be called.

    Args:
        version: what `git --version` prints; None where there is no such program.
    """
    if version is None:
        return fail("versions", "git is not installed: no brain can be fetched", "install git 2.31 or newer")
    found = re.search(r"(\d+)\.(\d+)", version)
    if found and (int(found[1]), int(found[2])) < OLDEST_GIT:
        return fail("versions", f"{version} is too old to pass credentials safely", "install git 2.31 or newer")
    python = ".".join(map(str, sys.version_info[:3]))
    return ok("versions", f"nervesys {__version__}, Python {python}, {version}")


def judge_disk(path: Path, free: int, total: int) -> DoctorFinding:
    """Whether NERVESYS_HOME has room; sizes in bytes."""
    text = f"{path}: {free / (1 << 20):.0f} MiB of {total / (1 << 20):.0f} MiB are free"
    if free < LOW_SHARE * total:
        return (warn if free else fail)("disk", text, "make room, or move NERVESYS_HOME")
    return ok("disk", text)


def judge_addresses(addresses: Mapping[str, str]) -> Iterator[DoctorFinding]:
    """No two programs may have one address.

    Args:
        addresses: `HOST:PORT` by program.
    """
    programs = defaultdict(list)
    for name, address in addresses.items():
        programs[address].append(name)
    shared = {address: names for address, names in programs.items() if len(names) > 1}
    for address, names in shared.items():
        remedy = "set another under monitoring.listen or monitoring.sources"
        yield fail("ports", f"{' and '.join(names)} have the same address {address}", remedy)
    if not shared:
        yield ok("ports", f"{len(addresses)} programs have addresses of their own")


def check_machine(home: Path, addresses: Mapping[str, str]) -> Iterator[DoctorFinding]:
    """Look at this machine; see the judgements."""
    yield judge_git(git.version())
    folder = next(path for path in (home, *home.parents) if path.exists())
    usage = shutil.disk_usage(folder)
    yield judge_disk(folder, usage.free, usage.total)
    yield from judge_addresses(addresses)
