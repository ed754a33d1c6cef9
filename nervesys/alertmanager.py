"""The client of Alertmanager's API (v2): alerts are posted to it, and it is asked what becomes of them.

Alertmanagers that form a cluster share what they know only after a while, and a silence may reach one of them last:
so a cluster is told, and asked, member by member.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from nervesys.errors import NervesysError
from nervesys.settings.monitoring import Monitoring

SILENCED = {"silenced": "true", "active": "false", "inhibited": "false", "unprocessed": "false"}

log = logging.getLogger(__name__)


class AlertmanagerUnavailable(NervesysError):
    """Alertmanager did not answer as it should."""


@dataclass(frozen=True)
class Known:
    """An alert as Alertmanager has it.

    Attributes:
        receivers: who is told of it.
        held_back: by what it is kept from them; empty where by nothing.
    """

    receivers: tuple[str, ...]
    held_back: str


@dataclass(frozen=True)
class Alertmanager:
    """An Alertmanager.

    Attributes:
        url: such as `http://127.0.0.1:17093`.
        timeout_seconds: of each request.
    """

    url: str
    timeout_seconds: float = 5

    def post(self, alerts: Sequence[Mapping[str, Any]]) -> None:
        """Give it alerts; one whose end lies in the past is over.

        Raises:
            AlertmanagerUnavailable: it does not take them.
        """
        self._ask("POST", json=list(alerts))

    def find(self, labels: Mapping[str, str]) -> Known | None:
        """The active alert with exactly these labels; None where it has none.

        Raises:
            AlertmanagerUnavailable: it does not answer.
        """
        matchers = [f'{name}="{value}"' for name, value in labels.items()]
        found = (one for one in self._ask("GET", params={"filter": matchers}).json() if one["labels"] == labels)
        alert = next(found, None)
        if alert is None:
            return None
        status = alert["status"]
        silenced = "a silence" if status["silencedBy"] else ""
        inhibited = "a worse alert that is firing" if status["inhibitedBy"] else ""
        return Known(tuple(one["name"] for one in alert["receivers"]), silenced or inhibited)

    def silenced(self) -> frozenset[tuple[str, str]]:
        """Name and agent of each alert that fires and is silenced; the agent is empty where it has none.

        Raises:
            AlertmanagerUnavailable: it does not answer.
        """
        labels = [one["labels"] for one in self._ask("GET", params=SILENCED).json()]
        return frozenset((one.get("alertname", ""), one.get("agent", "").lower()) for one in labels)

    def _ask(self, method: str, **content: Any) -> requests.Response:
        try:
            answer = requests.request(method, f"{self.url}/api/v2/alerts", timeout=self.timeout_seconds, **content)
            answer.raise_for_status()
        except requests.RequestException as err:
            raise AlertmanagerUnavailable(f"ask {self.url}: {type(err).__name__}") from err
        return answer


@dataclass(frozen=True)
class Cluster:
    """All Alertmanagers of a fleet.

    Attributes:
        members: each of them.
    """

    members: tuple[Alertmanager, ...]

    @classmethod
    def of(cls, monitoring: Monitoring, timeout_seconds: float = 3) -> "Cluster":
        """The one that the settings name."""
        return cls(tuple(Alertmanager(f"http://{one}", timeout_seconds) for one in monitoring.alertmanagers))

    def post(self, alerts: Sequence[Mapping[str, Any]]) -> None:
        """Give alerts to every member.

        Raises:
            AlertmanagerUnavailable: none of them took them.
        """
        refused = []
        for member in self.members:
            try:
                member.post(alerts)
            except AlertmanagerUnavailable as err:
                refused.append(err)
        if len(refused) == len(self.members):
            raise refused[0]

    def silenced(self) -> frozenset[tuple[str, str]]:
        """What any member has silenced; one that does not answer silences nothing, for then the heartbeat decides."""
        found: set[tuple[str, str]] = set()
        for member in self.members:
            try:
                found |= member.silenced()
            except AlertmanagerUnavailable as err:
                log.warning("ask Alertmanager for silences: %s", err)
        return frozenset(found)
