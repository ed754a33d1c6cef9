"""Links between pages.

Covers: dashboards.page.
"""

import json
import re
from dataclasses import replace

from dashboards.build import pages
from dashboards.grafana_json import Json
from nervesys.settings import load


def test_every_link_leads_to_a_page_and_to_a_variable_of_it(made: list[Json]) -> None:
    variables = {page["uid"]: {variable["name"] for variable in page["templating"]["list"]} for page in made}
    links = re.findall(r"/d/([a-z-]+)(?:\?var-([a-z_]+)=)?", json.dumps(made))
    assert {uid for uid, _ in links} == {"agent-details", "alerts-actions"}
    assert [(uid, name) for uid, name in links if name and name not in variables[uid]] == []


def test_traces_are_opened_where_people_reach_the_page() -> None:
    loaded = load(profile="kubernetes")
    monitoring = loaded.settings.monitoring.model_copy(update={"page_url": "https://pages.example/"})
    settings = loaded.settings.model_copy(update={"monitoring": monitoring})
    text = json.dumps(pages(replace(loaded, settings=settings)))
    assert set(re.findall(r'"(https?://[^"]*)/trace/', text)) == {"https://pages.example"}
    assert settings.dashboards_url == "https://pages.example"
