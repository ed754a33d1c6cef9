"""Reads which alerts fire at this moment: from Alertmanager, or from the journal where Grafana evaluates."""

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass

from alerting.journal import Journal, receive
from alerting.receiver.fleet import FleetConfig
from nervesys.clients.alertmanager import AlertmanagerUnavailable, Cluster
from nervesys.clock import Clock

TEST_LABEL = "nervesys_test"

Firing = frozenset[tuple[str, str, bool]]
"""(alertname, agent, test) of alerts that fire."""

log = logging.getLogger(__name__)


def identify(labels: dict[str, str]) -> tuple[str, str, bool]:
    """What of an alert's labels decides about actions."""
    return labels.get("alertname", ""), labels.get("agent", "").lower(), labels.get(TEST_LABEL) == "true"


@dataclass(frozen=True)
class FiringReader:
    """Asks whether alerts still fire; one that was delivered may be minutes old.

    Attributes:
        fleet: returns the newest version of the brain, which names the engine.
        cluster: of Alertmanagers.
    """

    fleet: Callable[[], FleetConfig]
    cluster: Cluster
    journal: Journal
    clock: Clock

    async def read(self, names: Collection[str]) -> Firing | None:
        """Those of these alerts that fire; None where that cannot be found out."""
        if self.fleet().alerts.engine == "grafana":
            since = self.clock() - receive.FIRING_SECONDS
            found = await self.journal.read(lambda connection: receive.list_firing_labels(connection, names, since))
            return frozenset(map(identify, found))
        try:
            return frozenset(map(identify, await asyncio.to_thread(self.cluster.firing, names)))
        except AlertmanagerUnavailable as err:
            log.warning("read firing alerts: %s", err)
            return None
