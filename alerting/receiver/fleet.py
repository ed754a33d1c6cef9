"""What the receiver takes from the brain: the agents, the settings, and the actions of each alert."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from alerting.model import AlertsFile, read_alerts
from nervesys.audit import AUDIT, AuditAction, AuditResult
from nervesys.errors import NervesysError
from nervesys.settings import AgentConfig, Settings
from nervesys.stores.open_stores import Configuration

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FleetConfig:
    """One version of the brain.

    Attributes:
        agents: the configured agents, by name.
        commit: of the brain; empty where it is a plain folder.
    """

    settings: Settings
    agents: dict[str, AgentConfig]
    alerts: AlertsFile
    commit: str = ""


class FleetSource:
    """Holds the newest version of the brain; where it is unreachable or wrong, the last good one stays in use.

    Args:
        read: opens the brain and loads it; may block.
        start: does so at the start, if another way than later on.
    """

    def __init__(self, read: Callable[[], FleetConfig], start: Callable[[], FleetConfig] | None = None) -> None:
        self._read = read
        self.now = (start or read)()

    async def refresh(self) -> None:
        """Read the brain anew, in a thread."""
        before = self.now.commit
        try:
            self.now = await asyncio.to_thread(self._read)
            if self.now.commit != before:
                AUDIT.record(AuditAction.CONFIGURE, AuditResult.OK, "receiver", f"commit {self.now.commit}")
        except NervesysError as err:
            AUDIT.record(AuditAction.CONFIGURE, AuditResult.FAILED, "receiver", detail=str(err))
            log.warning("the brain as last read stays in use: %s", err)


def read_fleet(opened: Configuration) -> FleetConfig:
    """The fleet and its alerts as a brain has them.

    Raises:
        SettingsError: alerts.yaml is wrong.
    """
    commit = str(getattr(opened.tree, "commit", None) or "")
    return FleetConfig(opened.loaded.settings, opened.loaded.agents, read_alerts(opened.tree)[0], commit)
