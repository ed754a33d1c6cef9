"""TypeScript of our pages, in which each part has Grafana's type: what the compiler rejects, Grafana does not know."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dashboards.grafana_json import Json
from nervesys.queries.dashboard_queries import panels_of

PLAIN = """declare function take<T>(value: T): void;
type Any<T> = 0 extends 1 & T ? true : false;
// Of types as JSON has them: the values of an enum in place of its members, and no methods.
type Plain<T> = Any<T> extends true ? T
  : T extends string ? `${T}`
  : T extends number | boolean | null | undefined ? T
  : T extends (infer U)[] ? Plain<U>[]
  : T extends object ? { [K in keyof T as T[K] extends () => void ? never : K]: Plain<T[K]> }
  : T;
"""
RAW = "dist/esm/raw/composable"
PANEL_TYPES = {
    "bargauge": "BarGauge",
    "nodeGraph": "NodeGraph",
    "stat": "Stat",
    "state-timeline": "StateTimeline",
    "table": "Table",
    "timeseries": "TimeSeries",
}
WITH_CUSTOM_FIELDS = frozenset({"state-timeline", "table", "timeseries"})
PROMETHEUS_ANNOTATION = ("tagKeys", "textFormat", "titleFormat", "useValueForTime")
"""Keys of annotations that belong to the data source, and are not in the schema."""


@dataclass(frozen=True)
class SchemaTypes:
    """Where types are.

    Attributes:
        dashboard: package of the dashboard's types.
        panel: path of the types of a kind of panel; `{kind}` and `{name}` are replaced.
    """

    dashboard: str
    panel: str


SCHEMA = SchemaTypes("@grafana/schema", f"@grafana/schema/{RAW}/{{kind}}/panelcfg/x/{{name}}PanelCfg_types.gen")
SDK = SchemaTypes("@grafana/grafana-foundation-sdk/dashboard", "@grafana/grafana-foundation-sdk/{kind}")


def source_of(pages: Sequence[Json], types: SchemaTypes) -> str:
    """The file to compile."""
    kinds = sorted({panel["type"] for page in pages for panel in panels_of(page)})
    lines = [
        f"import type {{ Dashboard, Panel, FieldConfig }} from {types.dashboard!r};",
        "import type { Dataquery } from '@grafana/grafana-foundation-sdk/prometheus';",
        *(_import(kind, types) for kind in kinds),
        PLAIN,
        "type Annotation = NonNullable<NonNullable<Dashboard['annotations']>['list']>[number];",
    ]
    return "\n".join([*lines, *(line for page in pages for line in _page(page))]) + "\n"


def _import(kind: str, types: SchemaTypes) -> str:
    folder = kind.replace("-", "").lower()
    path = types.panel.format(kind=folder, name=PANEL_TYPES[kind])
    return f"import type * as {folder} from {path!r};"


def _page(page: Json) -> Iterator[str]:
    bare = page | {"annotations": {"list": []}, "panels": [_bare(panel) for panel in page["panels"]]}
    yield _value(page["uid"], "Plain<Dashboard>", bare)
    for marks in page["annotations"]["list"]:
        where = f"{page['uid']} / {marks['name']}"
        known = {key: value for key, value in marks.items() if key not in (*PROMETHEUS_ANNOTATION, "target")}
        yield _value(where, "Plain<Annotation>", known)
        if "target" in marks:
            yield _value(f"{where} / target", "Plain<Dataquery>", marks["target"])
    for panel in panels_of(page):
        yield from _panel(f"{page['uid']} / {panel['title']}", panel)


def _bare(panel: Json) -> Json:
    """A panel without what has a type of its own."""
    if panel["type"] == "row":
        return panel
    config = panel["fieldConfig"]
    return panel | {"fieldConfig": {"defaults": config["defaults"] | {"custom": {}}, "overrides": []}, "options": {}}


def _panel(where: str, panel: Json) -> Iterator[str]:
    kind, config = panel["type"].replace("-", "").lower(), panel["fieldConfig"]
    yield _value(f"{where} / options", f"Partial<Plain<{kind}.Options>>", panel["options"])
    custom = f"{kind}.FieldConfig" if panel["type"] in WITH_CUSTOM_FIELDS else "Record<string, never>"
    yield _value(f"{where} / custom", f"Partial<Plain<{custom}>>", config["defaults"].get("custom", {}))
    for target in panel["targets"]:
        yield _value(f"{where} / {target['refId']}", "Plain<Dataquery>", target)
    for override in config["overrides"]:
        for item in override["properties"]:
            name = f"{where} / {override['matcher']['options']} / {item['id']}"
            yield _value(name, _type_of(item["id"], custom), item["value"])


def _type_of(property_id: str, custom: str) -> str:
    """The type of an overridden property, such as `custom.hideFrom.viz`."""
    first, *rest = property_id.split(".")
    if first != "custom":
        return f"Plain<FieldConfig[{first!r}]>"
    name, *deeper = rest
    return f"Plain<NonNullable<{custom}[{name!r}]>{''.join(f'[{part!r}]' for part in deeper)}>"


def _value(where: str, kind: str, value: object) -> str:
    return f"take<{kind}>({json.dumps(value)}); // {where}"
