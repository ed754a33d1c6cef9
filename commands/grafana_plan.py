"""What a push changes in Grafana: compares what is wanted with what is there, and shows the difference.

Only what was made here is replaced or deleted: dashboards by their tag, data sources by their mark, alerting by uids,
and of the tree of policies the fleet's own route.
"""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml

from commands.grafana_objects import PREFIX, PUSHED, is_own_route
from nervesys.clients.grafana import GrafanaApi, GrafanaObject, Json, Kind
from nervesys.errors import NervesysError

SECRET = "$__file{"  # noqa: S105  # the beginning of the name of a file


@dataclass(frozen=True)
class GrafanaChange:
    """One change.

    Attributes:
        action: `create`, `update`, `delete`, or `keep` for what belongs to someone else.
        diff: lines of a unified diff of the content as YAML; secrets are named by file.
    """

    action: str
    target: GrafanaObject
    diff: tuple[str, ...] = ()


def plan(
    api: GrafanaApi, wanted: Sequence[GrafanaObject], route: Json | None, *, secrets: bool = False
) -> list[GrafanaChange]:
    """The changes, in the order in which they are made: deletions last.

    Args:
        api: of Grafana; only read.
        wanted: all but the tree of policies.
        route: the fleet's route in that tree; None for none.
        secrets: write contact points with secrets, too, where nothing else shows a change.

    Raises:
        GrafanaUnavailable: no response, or a refusal.
        NervesysError: a dashboard of somebody else has the uid of one of ours.
    """
    changes = [change for target in wanted if (change := _compare(api, target, secrets=secrets))]
    return [*changes, *_policies(api, route), *_deletions(api, wanted)]


def _compare(api: GrafanaApi, target: GrafanaObject, *, secrets: bool) -> GrafanaChange | None:
    found = api.find(target)
    if found is None:
        return GrafanaChange("create", target, _diff({}, target.content))
    if target.kind is Kind.DATASOURCE and found.get("jsonData", {}).get("madeBy") != PUSHED:
        return GrafanaChange("keep", target)
    if target.kind is Kind.DASHBOARD and PUSHED not in found.get("tags", []):
        raise NervesysError(f"{target} exists and was not made by `nervesys grafana push`; delete or rename it")
    if target.kind is Kind.RULE_GROUP:
        target = _with_rules_of_others(target, found)
    moved = target.kind is Kind.DASHBOARD and found.get("folderUid") != target.folder
    again = secrets and SECRET in str(target.content)
    if _covers(target.content, found) and not moved and not again:
        return None
    return GrafanaChange("update", target, _diff(_common(target.content, found), target.content))


def _with_rules_of_others(target: GrafanaObject, found: Json) -> GrafanaObject:
    """A group with the rules that people have put into it, for writing a group deletes all that it does not name."""
    others = [rule for rule in found.get("rules", []) if not str(rule.get("uid", "")).startswith(PREFIX)]
    return replace(target, content={**target.content, "rules": [*target.content["rules"], *others]})


def _policies(api: GrafanaApi, route: Json | None) -> Iterator[GrafanaChange]:
    """Put the fleet's route first in the tree, or take it out; all other routes stay as they are."""
    target = GrafanaObject(Kind.POLICIES, "")
    tree = api.find(target) or {}
    routes: list[Json] = tree.get("routes") or []
    own = [item for item in routes if is_own_route(item)]
    if _covers([route] if route else [], own) and len(own) == bool(route):
        return
    others = [item for item in routes if not is_own_route(item)]
    content = {key: value for key, value in tree.items() if key != "provenance"}
    content["routes"] = [*([route] if route else []), *others]
    yield GrafanaChange(
        "update", replace(target, content=content), _diff({"routes": own}, {"routes": content["routes"]})
    )


def _deletions(api: GrafanaApi, wanted: Iterable[GrafanaObject]) -> Iterator[GrafanaChange]:
    """What was made here and is no longer wanted. Contact points come last, for rules and routes may name them."""
    kept = {(item.kind, item.uid) for item in wanted}
    rules = {rule["uid"] for item in wanted if item.kind is Kind.RULE_GROUP for rule in item.content["rules"]}
    folder = next(item.folder for item in wanted if item.kind is Kind.DASHBOARD)
    found = [GrafanaObject(Kind.DASHBOARD, uid, folder=folder) for uid in api.list_dashboards(PUSHED, folder)]
    found += [
        GrafanaObject(Kind.RULE, rule["uid"])
        for rule in api.list_rules()
        if _is_own(rule) and str(rule.get("folderUID", "")).startswith(PREFIX) and rule["uid"] not in rules
    ]
    found += [GrafanaObject(Kind.CONTACT_POINT, point["uid"]) for point in api.list_contact_points() if _is_own(point)]
    yield from (GrafanaChange("delete", item) for item in found if (item.kind, item.uid) not in kept)


def _is_own(item: Json) -> bool:
    return str(item.get("uid", "")).startswith(PREFIX)


def _covers(wanted: Any, found: Any) -> bool:
    """Whether Grafana has all of the content; it adds keys of its own, such as versions, and hides secrets."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_covers(value, found.get(key)) for key, value in wanted.items())
    if isinstance(wanted, list):
        found = found or []
        return len(wanted) == len(found) and all(map(_covers, wanted, found))
    if isinstance(wanted, str) and wanted.startswith(SECRET):
        return bool(found)
    return bool(wanted == found) or (not wanted and found is None)


def _common(wanted: Any, found: Any) -> Any:
    """What Grafana has of the wanted keys, so that a diff shows changes alone."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return {key: _common(value, found[key]) for key, value in wanted.items() if key in found}
    if isinstance(wanted, list) and isinstance(found, list):
        return [*map(_common, wanted, found), *found[len(wanted) :]]
    return wanted if isinstance(wanted, str) and wanted.startswith(SECRET) and found else found


def _diff(before: Any, after: Any) -> tuple[str, ...]:
    old, new = _yaml_lines(before), _yaml_lines(after)
    return tuple(difflib.unified_diff(old, new, lineterm="", n=1))[2:]


def _yaml_lines(content: Any) -> list[str]:
    return yaml.safe_dump(content, sort_keys=True).splitlines() if content else []
