"""What a fleet has in Grafana, as its API takes it: folders, data sources, dashboards, and with its engine the alerts.

Secrets are named by file, as `$__file{PATH}`; `resolve` puts their content there. Pure but for that.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from alerting.conditions.compile import ConditionCompiler
from alerting.generate.grafana.contacts import contact_points, policies
from alerting.model import AlertsFile
from dashboards.build import FOLDER_UID, datasources, pages
from nervesys.clients.grafana import GrafanaObject, Json, Kind
from nervesys.errors import NervesysError
from nervesys.settings import Loaded
from nervesys.settings.secret_file import read_secret_text

PREFIX = "nervesys-"
"""Uids of alert rules, contact points and folders of alerts begin with it, so what was made here is known."""
PUSHED = "nervesys-push"
"""Tag of dashboards and mark of data sources that were made here."""
_FILE = re.compile(r"\$__file\{(.+)\}")
_INTERVAL = re.compile(r"(\d+)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_FILE_KEYS = ("editable", "isDefault")
"""Keys of a data source that only files have, or that would change a Grafana which others use, too."""

_DATABASE_KEYS = ("id", "version")
"""Keys of a dashboard that Grafana counts by itself."""


def wanted_objects(
    loaded: Loaded, alerts: AlertsFile, compiler: ConditionCompiler, secrets: Path
) -> list[GrafanaObject]:
    """Everything that a push writes, but for the tree of policies; in the order in which it is written.

    Args:
        loaded: the settings.
        alerts: config/alerts.yaml.
        compiler: of its conditions.
        secrets: folder of the secrets on this machine.
    """
    objects = [_folder(FOLDER_UID, loaded.settings.grafana.folder)]
    objects += [_datasource(source) for source in datasources(loaded)["datasources"]]
    objects += [_dashboard(page) for page in pages(loaded)]
    if alerts.engine == "grafana":
        objects += _contact_points(contact_points(loaded.settings, alerts, secrets))
        objects += _rules(compiler, alerts)
    return objects


def policies_route(loaded: Loaded, alerts: AlertsFile) -> Json | None:
    """The route that holds all of the fleet's; None where Prometheus evaluates.

    It is one child of the organisation's tree, which may have others: it takes the fleet's alerts alone.
    """
    if alerts.engine != "grafana":
        return None
    (tree,) = policies(loaded.settings, alerts)
    names = "|".join(alert.alertname for alert in alerts.alerts)
    route = {key: value for key, value in tree.items() if key != "orgId"}
    return _renamed({**route, "object_matchers": [["alertname", "=~", names]], "continue": False})


def is_own_route(route: Json) -> bool:
    """Whether a route was made here."""
    return str(route.get("receiver", "")).startswith(PREFIX)


def resolve(content: Any) -> Any:
    """The content with secrets in place of the names of their files.

    Raises:
        NervesysError: a file cannot be read.
    """
    return _map_texts(content, _read)


def _folder(uid: str, title: str) -> GrafanaObject:
    return GrafanaObject(Kind.FOLDER, uid, {"uid": uid, "title": title})


def _datasource(source: Json) -> GrafanaObject:
    content = {key: value for key, value in source.items() if key not in _FILE_KEYS}
    return GrafanaObject(
        Kind.DATASOURCE, source["uid"], {**content, "jsonData": {**source["jsonData"], "madeBy": PUSHED}}
    )


def _dashboard(page: Json) -> GrafanaObject:
    content = {key: value for key, value in page.items() if key not in _DATABASE_KEYS}
    tags = [*page.get("tags", []), PUSHED]
    return GrafanaObject(Kind.DASHBOARD, page["uid"], {**content, "tags": tags}, FOLDER_UID)


def _contact_points(points: Sequence[Json]) -> Iterator[GrafanaObject]:
    """Each integration is an object; those of one name are one contact point."""
    for point in points:
        for integration in point["receivers"]:
            content = {**_unescaped(integration), "name": f"{PREFIX}{point['name']}"}
            yield GrafanaObject(Kind.CONTACT_POINT, integration["uid"], content)


def _rules(compiler: ConditionCompiler, alerts: AlertsFile) -> Iterator[GrafanaObject]:
    from alerting.generate.grafana.rules import groups  # needs grafanalib

    divided = groups(compiler, alerts)
    folders = {group["folder"]: f"{PREFIX}alerts-{group['rules'][0]['labels']['severity']}" for group in divided}
    for title, uid in folders.items():
        yield _folder(uid, _unescape(title))
    for group in divided:
        folder = folders[group["folder"]]
        rules = [_rule(rule, folder, group["name"]) for rule in group["rules"]]
        head = {"title": group["name"], "folderUid": folder, "interval": _seconds(group["interval"])}
        yield GrafanaObject(Kind.RULE_GROUP, group["name"], {**head, "rules": rules}, folder)


def _rule(rule: Json, folder: str, group: str) -> Json:
    """A rule of a file as the API has it."""
    content = {"keep_firing_for" if key == "keepFiringFor" else key: value for key, value in rule.items()}
    labels = {name: _unescape(value) for name, value in rule.get("labels", {}).items()}
    return {**content, "title": _unescape(rule["title"]), "labels": labels, "folderUID": folder, "ruleGroup": group}


def _renamed(route: Json) -> Json:
    """A route to the contact points of these names with the prefix."""
    below = {"routes": [_renamed(child) for child in route["routes"]]} if "routes" in route else {}
    return {**route, **below, "receiver": f"{PREFIX}{route['receiver']}"}


def _seconds(interval: str) -> int:
    number, unit = _INTERVAL.fullmatch(interval).groups()  # type: ignore[union-attr]  # of promql_duration
    return int(number) * _SECONDS[unit]


def _unescaped(content: Any) -> Any:
    """Content of a file as it is: there each `$` is doubled."""
    return _map_texts(content, _unescape)


def _unescape(text: str) -> str:
    return text.replace("$$", "$")


def _read(text: str) -> str:
    found = _FILE.fullmatch(text)
    if found is None:
        return text
    try:
        return read_secret_text(Path(found[1]))
    except (OSError, ValueError) as err:
        raise NervesysError(f"read the secret {found[1]}: {getattr(err, 'strerror', None) or 'not text'}") from err


def _map_texts(content: Any, change: Callable[[str], str]) -> Any:
    if isinstance(content, str):
        return change(content)
    if isinstance(content, Mapping):
        return {key: _map_texts(value, change) for key, value in content.items()}
    return [_map_texts(item, change) for item in content] if isinstance(content, list) else content
