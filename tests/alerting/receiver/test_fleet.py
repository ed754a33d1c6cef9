"""The receiver's fleet stays what it was while the brain is away, has no configuration, or a wrong one.

Covers: alerting.receiver.fleet.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest

from alerting.model import read_alerts
from alerting.receiver.fleet import FleetConfig, FleetSource, read_fleet
from nervesys.stores.open_stores import load_configuration
from tests.alerting.receiver.simulation import a_fleet
from tests.brains import write


def rename_branch(brain: Path) -> None:
    pygit2.Repository(str(brain)).branches["main"].rename("trunk")


def remove_configuration(brain: Path) -> None:
    write(brain, {"config/agents/grok.yaml": None})


def spoil_configuration(brain: Path) -> None:
    write(brain, {"config/agents/grok.yaml": b"agent: {enabled: perhaps}\n"})


def take_away(brain: Path) -> None:
    brain.rename(brain.with_name("away.git"))


@pytest.mark.parametrize("fault", [rename_branch, remove_configuration, spoil_configuration, take_away])
def test_no_fault_of_the_brain_empties_the_fleet(
    tmp_path: Path, fault: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    brain = tmp_path / "brain.git"
    write(brain, {"config/agents/grok.yaml": b"agent: {}\n"})
    environ = {"NERVESYS_HOME": str(tmp_path / "home"), "NERVESYS_BRAIN": str(brain)}

    def read() -> FleetConfig:
        return read_fleet(load_configuration("receiver", environ, also=[read_alerts]))

    source = FleetSource(read)
    fault(brain)
    with caplog.at_level(logging.WARNING):
        asyncio.run(source.refresh())
    assert list(source.now.agents) == ["grok"]
    assert "last" in caplog.text


def test_a_receiver_that_starts_with_another_reader_reads_strictly_later() -> None:
    asked: list[str] = []

    def read(how: str) -> FleetConfig:
        asked.append(how)
        return a_fleet("grok")

    source = FleetSource(lambda: read("strictly"), lambda: read("leniently"))
    asyncio.run(source.refresh())
    assert asked == ["leniently", "strictly"]
