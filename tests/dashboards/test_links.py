"""Links between pages.

Covers: dashboards.page.
"""

import json
import re

from dashboards.grafana_json import Json


def test_every_link_leads_to_a_page_and_to_a_variable_of_it(made: list[Json]) -> None:
    variables = {page["uid"]: {variable["name"] for variable in page["templating"]["list"]} for page in made}
    links = re.findall(r"/d/([a-z-]+)(?:\?var-([a-z_]+)=)?", json.dumps(made))
    assert {uid for uid, _ in links} == {"agent-details", "alerts-actions"}
    assert [(uid, name) for uid, name in links if name and name not in variables[uid]] == []
