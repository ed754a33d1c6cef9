"""Grafana's HTTP API, by grafana-client: reads and writes what a push consists of."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import requests

from nervesys.clients.bounded_http import BoundedAdapter
from nervesys.clients.http_errors import cause
from nervesys.errors import NervesysError

EXTRA = "pip install 'nervesys-observability[grafana]'"
NOT_FOUND = 404
DASHBOARDS_LIMIT = 5000
"""The most that one search returns."""

Json = dict[str, Any]


class GrafanaUnavailable(NervesysError):
    """Grafana did not respond, or refused a request."""


class Kind(StrEnum):
    """What a push consists of, in the order in which it is written."""

    FOLDER = "folder"
    DATASOURCE = "data source"
    DASHBOARD = "dashboard"
    CONTACT_POINT = "contact point"
    RULE_GROUP = "rule group"
    POLICIES = "notification policies"
    RULE = "rule"


@dataclass(frozen=True)
class GrafanaObject:
    """One object as Grafana's API takes it.

    Attributes:
        uid: of rule groups the name; empty for the tree of policies, of which there is one.
        content: the body.
        folder: uid of its folder; empty where it lies in none.
    """

    kind: Kind
    uid: str
    content: Json = field(default_factory=dict)
    folder: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.folder and f'{self.folder}/'}{self.uid}".strip()


class GrafanaApi:
    """One organisation of a Grafana, or one stack of Grafana Cloud.

    Args:
        url: base URL.
        token: of a service account that may write folders, data sources, dashboards and alerting.
        timeout_seconds: of each request as a whole.

    Raises:
        NervesysError: grafana-client is not installed.
    """

    def __init__(self, url: str, token: str, timeout_seconds: float = 20) -> None:
        try:
            import grafana_client
        except ImportError as err:
            raise NervesysError(f"Grafana's API needs the package {err.name}: {EXTRA}") from err
        self.url = url.rstrip("/")
        self._errors = grafana_client.client.GrafanaException
        self._api = grafana_client.GrafanaApi.from_url(f"{self.url}/", credential=token, timeout=timeout_seconds)
        for scheme in ("http://", "https://"):
            self._api.client.s.mount(scheme, BoundedAdapter(timeout_seconds))

    def find(self, wanted: GrafanaObject) -> Json | None:
        """The object as Grafana has it; None where it has none.

        Raises:
            GrafanaUnavailable: no response, or a refusal.
        """
        api, uid = self._api, wanted.uid
        reads: Mapping[Kind, Callable[[], Any]] = {
            Kind.FOLDER: lambda: api.folder.get_folder(uid),
            Kind.DATASOURCE: lambda: api.datasource.get_datasource_by_uid(uid),
            Kind.DASHBOARD: lambda: _dashboard(api.dashboard.get_dashboard(uid)),
            Kind.CONTACT_POINT: lambda: next((at for at in self.list_contact_points() if at["uid"] == uid), None),
            Kind.RULE_GROUP: lambda: api.alertingprovisioning.get_rule_group(wanted.folder, uid),
            Kind.POLICIES: api.alertingprovisioning.get_notification_policy_tree,
        }
        with self._explained(f"read {wanted}"):
            try:
                found: Json | None = reads[wanted.kind]()
            except self._errors as err:
                if err.status_code != NOT_FOUND:
                    raise
                return None
        return found

    def create(self, wanted: GrafanaObject) -> None:
        """Create an object.

        Raises:
            GrafanaUnavailable: no response, or a refusal.
        """
        api, content = self._api, wanted.content
        with self._explained(f"create {wanted}"):
            match wanted.kind:
                case Kind.FOLDER:
                    api.folder.create_folder(content["title"], wanted.uid)
                case Kind.DATASOURCE:
                    api.datasource.create_datasource(content)
                case Kind.CONTACT_POINT:
                    api.alertingprovisioning.create_contactpoint(content)
                case _:
                    self.update(wanted)

    def update(self, wanted: GrafanaObject) -> None:
        """Replace an object.

        Raises:
            GrafanaUnavailable: no response, or a refusal.
        """
        api, uid, content = self._api, wanted.uid, wanted.content
        writes: Mapping[Kind, Callable[[], Any]] = {
            Kind.FOLDER: lambda: api.folder.update_folder(uid, content["title"], overwrite=True),
            Kind.DATASOURCE: lambda: api.datasource.update_datasource_by_uid(uid, content),
            Kind.DASHBOARD: lambda: api.dashboard.update_dashboard(
                {"dashboard": content, "folderUid": wanted.folder, "overwrite": True}
            ),
            Kind.CONTACT_POINT: lambda: api.alertingprovisioning.update_contactpoint(uid, content),
            Kind.RULE_GROUP: lambda: api.alertingprovisioning.update_rule_group(wanted.folder, uid, content),
            Kind.POLICIES: lambda: api.alertingprovisioning.set_notification_policy_tree(content),
        }
        with self._explained(f"write {wanted}"):
            writes[wanted.kind]()

    def delete(self, unwanted: GrafanaObject) -> None:
        """Delete an object; one that is gone, such as a rule of a group that was written without it, is no error.

        Raises:
            GrafanaUnavailable: no response, or a refusal.
        """
        deletes = {
            Kind.DASHBOARD: self._api.dashboard.delete_dashboard,
            Kind.CONTACT_POINT: self._api.alertingprovisioning.delete_contactpoint,
            Kind.RULE: self._api.alertingprovisioning.delete_alertrule,
        }
        with self._explained(f"delete {unwanted}"):
            try:
                deletes[unwanted.kind](unwanted.uid)
            except self._errors as err:
                if err.status_code != NOT_FOUND:
                    raise

    def list_dashboards(self, tag: str, folder: str) -> list[str]:
        """The uids of the dashboards with a tag in a folder.

        Raises:
            GrafanaUnavailable: no response, or a refusal.
        """
        with self._explained("list dashboards"):
            found = self._api.search.search_dashboards(tag=tag, type_="dash-db", limit=DASHBOARDS_LIMIT)
        return [row["uid"] for row in found if row.get("folderUid") == folder and tag in row.get("tags", [])]

    def list_rules(self) -> list[Json]:
        """All alert rules.

        Raises:
            GrafanaUnavailable: no response, or a refusal.
        """
        with self._explained("list alert rules"):
            rules: list[Json] = self._api.alertingprovisioning.get_alertrules_all()
        return rules

    def list_contact_points(self) -> list[Json]:
        """All contact points; an integration is one of them.

        Raises:
            GrafanaUnavailable: no response, or a refusal.
        """
        with self._explained("list contact points"):
            points: list[Json] = self._api.alertingprovisioning.get_contactpoints()
        return points

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except self._errors as err:
            raise GrafanaUnavailable(f"{what} at {self.url}: HTTP {err.status_code} {_message(err.response)}") from err
        except (requests.RequestException, ValueError) as err:
            raise GrafanaUnavailable(f"{what} at {self.url}: {cause(err)}") from err


def _message(response: Any) -> str:
    """Grafana's own message, without the rest of the response, which may repeat what was sent."""
    return str(response.get("message", "")) if isinstance(response, dict) else ""


def _dashboard(found: Json) -> Json:
    """The dashboard itself, with the uid of its folder."""
    return {**found["dashboard"], "folderUid": found.get("meta", {}).get("folderUid", "")}
