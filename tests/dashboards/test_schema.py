"""What Grafana's own schema does not know would be lost: `grafana-foundation-sdk` holds that schema as classes."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards import DASHBOARDS
from tests.dashboards.conftest import PAGES

UNKNOWN = {"expr", "interval", "refId", "tagKeys", "textFormat", "titleFormat", "useValueForTime"}
"""Keys of annotations that belong to the Prometheus data source; the schema leaves them open, the classes drop them."""


def lost(before: Any, after: Any, where: str = "") -> Iterator[str]:
    """Everything that the round trip dropped or changed. It may add defaults, and it writes null by leaving it out."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            if key in after:
                yield from lost(value, after[key], f"{where}/{key}")
            elif value is not None and not (key in UNKNOWN and where.startswith("/annotations/list/")):
                yield f"{where}/{key}"
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from lost(old, new, f"{where}/{index}")
    elif before != after:
        yield f"{where}: {before!r} became {after!r}"


@pytest.mark.parametrize("page", PAGES, ids=DASHBOARDS)
def test_grafana_knows_every_key(page: dict[str, Any]) -> None:
    register_default_plugins()
    after = json.loads(json.dumps(Dashboard.from_json(page), cls=JSONEncoder))
    assert list(lost(page, after)) == []


def test_a_key_that_grafana_does_not_know_is_noticed(made: list[dict[str, Any]]) -> None:
    register_default_plugins()
    made[0]["panels"][0]["options"]["fontSize"] = "80%"
    after = json.loads(json.dumps(Dashboard.from_json(made[0]), cls=JSONEncoder))
    assert list(lost(made[0], after)) == ["/panels/0/options/fontSize"]
