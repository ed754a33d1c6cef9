"""Source `hygiene`, area `deployments`, against a small server that plays GitHub.

Covers: exporters.hygiene.deployments.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from exporters.hygiene import deployments
from exporters.runner import Area, Runner, Source
from nervesys.settings import load
from tests.exporters.kit import HandClock, context
from tests.exporters.store.bucket import read_series
from tests.servers.github import TOKEN, GitHub, github

FLEET, WEB = ("/repos/owner/fleet/actions/runs", "/repos/owner/web/actions/runs")


def run(name: str | None, conclusion: str | None, minute: int, branch: str | None = "main") -> dict[str, Any]:
    """As in GitHub's response, without the fields that are not read."""
    return {
        "id": minute,
        "name": name,
        "path": ".github/workflows/x.yml",
        "head_branch": branch,
        "status": "completed" if conclusion else "in_progress",
        "conclusion": conclusion,
        "run_started_at": f"2026-01-01T11:{minute:02}:00Z",
        "updated_at": f"2026-01-01T11:{minute:02}:30Z",
    }


@pytest.fixture
def hub() -> Iterator[GitHub]:
    with github() as server:
        server.answers[FLEET] = {"workflow_runs": [run("deploy", "success", 10), run("deploy", "failure", 5)]}
        server.answers[WEB] = {"workflow_runs": []}
        yield server


def runner_of(hub: GitHub) -> Runner:
    settings = load().settings.storage.brain.model_copy(
        update={
            "deployments": ("owner/fleet", "owner/web"),
            "api_url": hub.url,
            "token": SecretStr(TOKEN),
            "quota_floor": 500,
            "timeout_seconds": 5,
        }
    )
    opened = context(HandClock(), source="hygiene")
    area = Area("deployments", deployments.FAMILIES, 60, deployments.DeploymentsArea(settings, opened.health).refresh)
    return Runner(Source("hygiene", "Test.", deployments.FAMILIES, lambda _: [area]), opened)


def seen(runner: Runner, family: str) -> dict[str, float]:
    """The series of a family by the labels behind the repository."""
    prefix = f'deployment_{family}{{repository="owner/fleet",'
    every = read_series(runner.snapshot().plain).items()
    return {series.removeprefix(prefix).rstrip("}"): value for series, value in every if series.startswith(prefix)}


def test_the_newest_run_of_each_workflow_and_branch_is_shown(hub: GitHub) -> None:
    hub.answers[FLEET]["workflow_runs"] += [
        run("test", None, 4),
        run("test", "timed_out", 3),
        run(None, "what is this", 2, branch=None),
    ]
    runner = runner_of(hub)
    assert runner.run_once("deployments"), runner.problems()
    at = 1_767_265_200 + 30  # 11:00:30
    assert seen(runner, "last_run_timestamp_seconds") == {
        'workflow="deploy",branch="main",conclusion="success"': at + 600,
        'workflow="test",branch="main",conclusion="timed_out"': at + 180,
        'workflow=".github/workflows/x.yml",branch="",conclusion="other"': at + 120,
    }
    assert seen(runner, "last_run_duration_seconds")['workflow="deploy",branch="main"'] == 30
    assert seen(runner, "runs") == {
        'workflow="deploy",branch="main",conclusion="success"': 1,
        'workflow="deploy",branch="main",conclusion="failure"': 1,
        'workflow="test",branch="main",conclusion="running"': 1,
        'workflow="test",branch="main",conclusion="timed_out"': 1,
        'workflow=".github/workflows/x.yml",branch="",conclusion="other"': 1,
    }


def test_runs_that_did_not_change_are_asked_for_by_their_etag_and_stay_shown(hub: GitHub) -> None:
    runner = runner_of(hub)
    for _ in range(2):
        assert runner.run_once("deployments")
        assert 'workflow="deploy",branch="main",conclusion="success"' in seen(runner, "last_run_timestamp_seconds")
    hub.answers[FLEET] = {"workflow_runs": [run("deploy", "failure", 20)]}
    assert runner.run_once("deployments")
    assert list(seen(runner, "last_run_timestamp_seconds")) == ['workflow="deploy",branch="main",conclusion="failure"']
    assert [status for path, status in hub.asked if path == FLEET] == [200, 304, 200]


def test_at_the_floor_of_the_quota_no_repository_more_is_asked(hub: GitHub) -> None:
    hub.remaining = 501
    runner = runner_of(hub)
    assert not runner.run_once("deployments")
    assert runner.problems() == "deployments: ask GitHub: 500 of 5000 requests left, 500 are kept for others"
    assert [path for path, _ in hub.asked] == ["/rate_limit", FLEET]
    assert seen(runner, "last_run_timestamp_seconds"), "what was learnt before is shown"


@pytest.mark.parametrize("answer", [{}, [], {"workflow_runs": [{"name": 1}]}, {"workflow_runs": [{"updated_at": "x"}]}])
def test_an_invalid_response_costs_its_repository_alone(hub: GitHub, answer: Any) -> None:
    hub.answers[WEB] = answer
    runner = runner_of(hub)
    assert runner.run_once("deployments")
    assert seen(runner, "runs")
    rejected = 'exporter_rejected_objects_total{reason="bad_value",source="hygiene"}'
    assert read_series(runner.snapshot().plain)[rejected] == 1


def test_a_repository_that_is_gone_fails_the_pass(hub: GitHub) -> None:
    del hub.answers[FLEET]
    runner = runner_of(hub)
    assert not runner.run_once("deployments")
    assert runner.problems() == "deployments: ask GitHub for runs: HTTP 404"


def test_a_moved_repository_is_asked_for_as_many_runs(hub: GitHub) -> None:
    hub.moved["/repos/owner/fleet"] = "/repositories/7"
    hub.answers["/repositories/7"] = {"full_name": "team/ships"}
    hub.answers["/repos/team/ships/actions/runs"] = hub.answers.pop(FLEET)
    runner = runner_of(hub)
    assert runner.run_once("deployments"), runner.problems()
    query = "exclude_pull_requests=true&per_page=50"
    asked = dict(zip((path for path, _ in hub.asked), hub.queries, strict=True))
    assert asked["/repos/team/ships/actions/runs"] == query


def test_a_server_without_rate_limits_is_asked_for_runs(hub: GitHub) -> None:
    hub.refusals["/rate_limit"] = 404, {}, "Rate limiting is not enabled."
    runner = runner_of(hub)
    assert runner.run_once("deployments"), runner.problems()
