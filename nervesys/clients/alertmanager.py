"""The client of Alertmanager's API (v2): posts alerts, finds out who is notified of them, reads and makes silences.

The members of an Alertmanager cluster replicate with a delay. Therefore alerts are posted to every member, and silences
are read from every member.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from nervesys.clients.bounded_http import call
from nervesys.clients.http_errors import cause
from nervesys.contract import format_time
from nervesys.errors import NervesysError
from nervesys.quoting import escape_quoted
from nervesys.settings.monitoring import Monitoring

SILENCED = {"silenced": "true", "active": "false", "inhibited": "false", "unprocessed": "false"}

log = logging.getLogger(__name__)


class AlertmanagerUnavailable(NervesysError):
    """Alertmanager did not respond, or rejected the request."""


@dataclass(frozen=True)
class ActiveAlert:
    """An alert that Alertmanager knows.

    Attributes:
        receivers: names of the receivers that its routes lead to.
        suppressed_by: what suppresses its notification; empty if nothing does.
    """

    receivers: tuple[str, ...]
    suppressed_by: str


@dataclass(frozen=True)
class Alertmanager:
    """One Alertmanager.

    Attributes:
        url: base URL, such as `http://127.0.0.1:17093`.
        timeout_seconds: of each request.
    """

    url: str
    timeout_seconds: float = 5

    def post(self, alerts: Sequence[Mapping[str, Any]]) -> None:
        """Post alerts. An alert whose `endsAt` is in the past is resolved.

        Raises:
            AlertmanagerUnavailable: they were not accepted.
        """
        self._request("POST", json=list(alerts))

    def find(self, labels: Mapping[str, str]) -> ActiveAlert | None:
        """The active alert with exactly these labels; None if there is none.

        Raises:
            AlertmanagerUnavailable: it does not respond.
        """
        matchers = [f'{name}="{escape_quoted(value)}"' for name, value in labels.items()]
        alerts = self._request("GET", params={"filter": matchers}).json()
        alert = next((alert for alert in alerts if alert["labels"] == labels), None)
        if alert is None:
            return None
        status = alert["status"]
        silenced = "a silence" if status["silencedBy"] else ""
        inhibited = "a firing alert of higher severity" if status["inhibitedBy"] else ""
        return ActiveAlert(tuple(receiver["name"] for receiver in alert["receivers"]), silenced or inhibited)

    def silenced(self) -> frozenset[tuple[str, str]]:
        """Name and agent of every firing alert that is silenced; an empty agent if it has no such label.

        Raises:
            AlertmanagerUnavailable: it does not respond.
        """
        alerts = [alert["labels"] for alert in self._request("GET", params=SILENCED).json()]
        return frozenset((labels.get("alertname", ""), labels.get("agent", "").lower()) for labels in alerts)

    def firing(self, names: Collection[str]) -> list[dict[str, str]]:
        """The labels of every alert with one of these names that fires, silenced and inhibited ones among them.

        Raises:
            AlertmanagerUnavailable: it does not respond.
        """
        params = {"filter": f'alertname=~"{"|".join(sorted(names))}"'}
        return [alert["labels"] for alert in self._request("GET", params=params).json()]

    def silence(self, labels: Mapping[str, str], since: float, until: float, by: str, comment: str) -> str:
        """Silence the alerts with these labels; returns the silence's id.

        Args:
            labels: names and values, matched exactly.
            since: Unix seconds.
            until: Unix seconds.
            by: who wants it, for people.
            comment: why, for people.

        Raises:
            AlertmanagerUnavailable: it was not accepted.
        """
        matchers = [{"name": name, "value": value, "isRegex": False, "isEqual": True} for name, value in labels.items()]
        silence = {"matchers": matchers, "startsAt": format_time(since), "endsAt": format_time(until)}
        content = self._request("POST", "silences", json={**silence, "createdBy": by, "comment": comment}).json()
        return str(content.get("silenceID", "")) if isinstance(content, dict) else ""

    def status(self) -> dict[str, Any]:
        """Its version, and its configuration as loaded, without secrets.

        Raises:
            AlertmanagerUnavailable: it does not respond.
        """
        return dict(self._request("GET", "status").json())

    def _request(self, method: str, path: str = "alerts", **content: Any) -> requests.Response:
        try:
            response = call(method, f"{self.url}/api/v2/{path}", self.timeout_seconds, **content)
            response.raise_for_status()
        except requests.RequestException as err:
            raise AlertmanagerUnavailable(f"call Alertmanager at {self.url}: {cause(err)}") from err
        return response


@dataclass(frozen=True)
class Cluster:
    """All Alertmanagers that the settings name.

    Attributes:
        members: one client for each.
    """

    members: tuple[Alertmanager, ...]

    @classmethod
    def of(cls, monitoring: Monitoring, timeout_seconds: float = 3) -> "Cluster":
        """The cluster that the settings name."""
        return cls(tuple(Alertmanager(f"http://{address}", timeout_seconds) for address in monitoring.alertmanagers))

    def post(self, alerts: Sequence[Mapping[str, Any]]) -> None:
        """Post alerts to every member.

        Raises:
            AlertmanagerUnavailable: no member accepted them.
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
        """The alerts that any member has silenced. A member that does not respond is skipped and logged."""
        found: set[tuple[str, str]] = set()
        for member in self.members:
            try:
                found |= member.silenced()
            except AlertmanagerUnavailable as err:
                log.warning("read silences: %s", err)
        return frozenset(found)

    def silence(self, labels: Mapping[str, str], since: float, until: float, by: str, comment: str) -> str:
        """Silence alerts at the first member that accepts it, which passes it on to the others; see `Alertmanager`.

        Raises:
            AlertmanagerUnavailable: no member accepted it.
        """
        failure = AlertmanagerUnavailable("no Alertmanager is configured")
        for member in self.members:
            try:
                return member.silence(labels, since, until, by, comment)
            except AlertmanagerUnavailable as err:
                failure = err
        raise failure

    def firing(self, names: Collection[str]) -> list[dict[str, str]]:
        """The labels of the alerts with one of these names that fire at any member.

        Raises:
            AlertmanagerUnavailable: no member responds.
        """
        found: list[dict[str, str]] = []
        failures: list[AlertmanagerUnavailable] = []
        for member in self.members:
            try:
                found += member.firing(names)
            except AlertmanagerUnavailable as err:
                failures.append(err)
        if len(failures) == len(self.members):
            raise failures[0] if failures else AlertmanagerUnavailable("no Alertmanager is configured")
        return found
