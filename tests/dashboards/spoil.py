"""Ways to spoil a page, so that a rule is broken."""

from dashboards.grafana_json import Json

TASKS = "nervesys_agent_tasks_total"


def asks(page: Json, expr: str, **more: str) -> None:
    page["panels"][0]["targets"] = [page["panels"][0]["targets"][0] | {"expr": expr} | more]


def spoil(page: Json, key: str, value: object) -> None:
    page["panels"][0][key] = value


def defaults(page: Json) -> Json:
    found: Json = page["panels"][0]["fieldConfig"]["defaults"]
    return found


def titled(page: Json, title: str) -> Json:
    found: Json = next(panel for panel in page["panels"] if panel["title"] == title)
    return found
