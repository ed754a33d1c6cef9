"""The page of one agent: where it leads."""

import pytest

from dashboards.agent import folder_of
from dashboards.build import pages
from dashboards.grafana_json import Json
from nervesys.queries.dashboard_queries import panels_of, queries_of
from nervesys.queries.query_runner import QueryRunner
from nervesys.settings import load
from tests.hour.history import HOUR_SECONDS

LOCAL = load(profile="local")
GROK = 'agent="grok"'


@pytest.mark.parametrize(
    ("template", "folder"),
    [
        ("db/active_logs/{server}/{date}/{time}_{agent}_{seq}.jsonl.gz", "db/active_logs/{server}/"),
        ("logs/{category}/{server}_{date}.jsonl.gz", "logs/"),
        ("{server}_{agent}.jsonl", ""),
        ("{date}.jsonl", ""),
    ],
)
def test_the_folder_of_logs_is_what_is_known_of_their_keys(template: str, folder: str) -> None:
    assert folder_of(template) == folder


def places(opened: Json) -> Json:
    settings = LOCAL.settings
    opened_too = settings.grafana.model_copy(update={"opened": settings.grafana.opened.model_copy(update=opened)})
    loaded = LOCAL.__class__(**{**vars(LOCAL), "settings": settings.model_copy(update={"grafana": opened_too})})
    page = next(page for page in pages(loaded) if page["uid"] == "agent-details")
    return next(panel for panel in panels_of(page) if panel["title"] == "Files and objects")


def test_links_lead_to_the_brain_and_the_store_where_these_can_be_opened() -> None:
    panel = places({"brain": "https://github.com/acme/nervesys/blob/main/{path}"})
    links = {
        override["matcher"]["options"]: item["value"]
        for override in panel["fieldConfig"]["overrides"]
        for item in override["properties"]
        if item["id"] == "links"
    }
    assert [link["url"] for link in links["Brain file"]] == [
        "https://github.com/acme/nervesys/blob/main/${__value.raw}"
    ]
    assert "Log objects" not in links, "the settings have no URL of the store"


def test_an_agent_s_files_and_objects_are_named(live: QueryRunner) -> None:
    page = next(page for page in pages(LOCAL) if page["uid"] == "agent-details")
    question = next(question for question in queries_of(page) if question.panel == "Files and objects")
    [series] = live.ask(question, {"agent_name": "grok", "agent_server": "alpha"}, HOUR_SECONDS)
    assert {name: series.labels[name] for name in ("brain_file", "state_object", "log_objects")} == {
        "brain_file": "config/agents/grok.yaml",
        "state_object": "db/agents/grok_state.json",
        "log_objects": "db/active_logs/alpha/",
    }
