"""What is right in a page's JSON, and would be wrong on Grafana's screen."""

from collections.abc import Callable

import pytest

from commands.dashboards import world
from dashboards.check import check_pages
from dashboards.grafana_json import Json
from nervesys.settings import Loaded
from tests.dashboards.spoil import TASKS, asks, defaults, titled


def link_to(page: Json, url: str) -> None:
    defaults(page)["links"] = [{"title": "", "url": url}]


def variable(page: Json, name: str) -> Json:
    found: Json = next(each for each in page["templating"]["list"] if each["name"] == name)
    return found


def annotation(page: Json) -> Json:
    found: Json = page["annotations"]["list"][1]
    return found


@pytest.mark.parametrize(
    ("rule", "spoilt"),
    [
        pytest.param("links", lambda page: link_to(page, "/d/agents?${__url_time_range}"), id="link to no page"),
        pytest.param("links", lambda page: link_to(page, "/d/agent-details?var-agent=a"), id="link to no variable"),
        pytest.param(
            "variable-names",
            lambda page: variable(page, "agent").update(multi=False),
            id="one name for one and for several",
        ),
        pytest.param(
            "hidden-variables",
            lambda page: page["templating"]["list"][-1].pop("skipUrlSync"),
            id="hidden value in links",
        ),
        pytest.param("current-values", lambda page: variable(page, "agent").update(current={}), id="nothing selected"),
        pytest.param(
            "annotation-form", lambda page: annotation(page).update(expr="up", step="1m"), id="old annotation"
        ),
        pytest.param("decimals", lambda page: defaults(page).update(decimals=0), id="rounded after scaling"),
        pytest.param(
            "decimals",
            lambda page: titled(page, "Agents")["fieldConfig"]["overrides"].append(
                {
                    "matcher": {"options": "x"},
                    "properties": [{"id": "unit", "value": "s"}, {"id": "decimals", "value": 0}],
                }
            ),
            id="rounded in a column",
        ),
        pytest.param("whole-numbers", lambda page: asks(page, f"increase({TASKS}[$__range])"), id="fraction of a task"),
        pytest.param("missing-values", lambda page: defaults(page).update(mappings=[]), id="colour of what is missing"),
        pytest.param("quantiles", lambda page: asks(page, "histogram_quantile(1, up)"), id="series of nothing"),
        pytest.param("legends", lambda page: asks(page, "up", legendFormat=""), id="series called Value"),
        pytest.param(
            "empty-cells",
            lambda page: titled(page, "Agents")["fieldConfig"]["overrides"].pop(0),
            id="text in each cell",
        ),
        pytest.param("columns", lambda page: titled(page, "Agents")["transformations"].pop(1), id="unwanted columns"),
        pytest.param("table-width", lambda page: titled(page, "Agents")["gridPos"].update(w=6), id="too many columns"),
        pytest.param(
            "table-width",
            lambda page: [
                each["properties"].pop(0) for each in titled(page, "Firing alerts")["fieldConfig"]["overrides"]
            ],
            id="columns of Grafana's own width",
        ),
    ],
)
def test_what_grafana_would_show_wrongly_is_found(
    made: list[Json], loaded: Loaded, rule: str, spoilt: Callable[[Json], None]
) -> None:
    spoilt(made[0])
    assert rule in {finding.rule for finding in check_pages(made, world(loaded))}


def test_a_finding_names_the_mistake_its_place_and_its_remedy(made: list[Json], loaded: Loaded) -> None:
    defaults(made[0]).update(decimals=0)
    [finding] = check_pages(made, world(loaded))
    assert finding.where == "main-overview / Running"
    assert finding.problem == (
        "decimals of 0 apply to the scaled number, so that 2.75 M becomes 3 M: remove decimals, and make whole numbers "
        "in the query by round(…)"
    )


def test_a_number_that_is_not_scaled_may_be_rounded(made: list[Json], loaded: Loaded) -> None:
    defaults(made[0]).update(decimals=0, unit="none")
    assert check_pages(made, world(loaded)) == []
