"""Source `brain`, area `github`, against a small server that plays GitHub.

Covers: exporters.brain.github, nervesys.stores.github, nervesys.stores.github_connection.
"""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from exporters.brain import github
from exporters.runner import Area, Runner, Source
from nervesys.settings import load
from nervesys.stores import github_connection
from tests.exporters.kit import HandClock, context
from tests.servers.github import RESET, TOKEN, GitHub
from tests.servers.github import github as played

BRANCH = "/repos/owner/brain/branches/main"


@pytest.fixture
def hub() -> Iterator[GitHub]:
    with played() as server:
        server.answers[BRANCH] = {"name": "main", "protected": False}
        yield server


def runner_of(hub: GitHub, token: str = TOKEN, branch: str = "main") -> Runner:
    settings = load().settings.storage.brain.model_copy(
        update={
            "repository": "owner/brain",
            "api_url": hub.url,
            "token": SecretStr(token),
            "quota_floor": 500,
            "branch": branch,
            "timeout_seconds": 5,
        }
    )
    opened = context(HandClock(), source="brain")
    source_area = github.GitHubArea(settings, opened.health)
    area = Area("github", github.FAMILIES, 60, source_area.refresh)
    return Runner(Source("brain", "Test.", github.FAMILIES, lambda _: [area]), opened)


def value(runner: Runner, series: str) -> str | None:
    text = runner.snapshot().plain.decode()
    return next((line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(f"nervesys_{series} ")), None)


def test_the_rate_limit_and_whether_the_branch_is_protected_are_shown(hub: GitHub) -> None:
    runner = runner_of(hub)
    assert runner.run_once("github"), runner.problems()
    assert value(runner, "github_rate_limit_requests") == "5000"
    assert value(runner, "github_rate_limit_remaining_requests") == "4000"
    assert value(runner, "github_rate_limit_reset_timestamp_seconds") == str(RESET)
    assert value(runner, 'github_branch_protected{branch="main"}') == "0"


def test_what_did_not_change_is_asked_for_by_its_etag_and_stays_shown(hub: GitHub) -> None:
    runner = runner_of(hub)
    for protected in (False, False, True):
        hub.answers[BRANCH] = {"name": "main", "protected": protected}
        assert runner.run_once("github")
        assert value(runner, 'github_branch_protected{branch="main"}') == str(int(protected))
    assert [status for path, status in hub.asked if path.endswith("/main")] == [200, 304, 200]


def test_at_the_floor_of_the_quota_nothing_more_is_asked(hub: GitHub) -> None:
    hub.remaining = 500
    runner = runner_of(hub)
    assert not runner.run_once("github")
    assert runner.problems() == "github: ask GitHub: 500 of 5000 requests left, 500 are kept for others"
    assert value(runner, "github_rate_limit_remaining_requests") == "500", "the rate limit itself is shown all the same"
    assert [path for path, _ in hub.asked] == ["/rate_limit"]


@pytest.mark.parametrize(
    ("status", "token", "problem"),
    [
        pytest.param(200, "wrong-s3cret", "the token is refused", id="wrong token"),
        pytest.param(403, TOKEN, "HTTP 403", id="forbidden"),
        pytest.param(500, TOKEN, "HTTP 500", id="broken"),
    ],
)
def test_a_refusal_fails_the_pass_at_once_and_logs_no_secret(
    hub: GitHub, status: int, token: str, problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    hub.status = status
    runner = runner_of(hub, token)
    assert not runner.run_once("github")
    assert runner.problems() == f"github: ask GitHub for rate_limit: {problem}"
    assert "s3cret" not in caplog.text
    assert len(hub.asked) == 1


def test_out_of_reach_fails_the_pass(hub: GitHub) -> None:
    runner = runner_of(hub)
    hub.shutdown()
    hub.server_close()
    assert not runner.run_once("github")
    assert runner.problems() == "github: ask GitHub for rate_limit: cannot connect"


def test_a_server_without_rate_limits_is_asked_all_the_same(hub: GitHub) -> None:
    hub.refusals["/rate_limit"] = 404, {}, "Rate limiting is not enabled."
    runner = runner_of(hub)
    assert runner.run_once("github"), runner.problems()
    assert value(runner, 'github_branch_protected{branch="main"}') == "0"
    assert value(runner, "github_rate_limit_requests") is None


@pytest.mark.parametrize(
    ("status", "headers", "message", "problem"),
    [
        (403, {}, "You have exceeded a secondary rate limit.", "secondary rate limit exceeded; next request in 60 s"),
        (429, {"Retry-After": "7"}, "slow down", "secondary rate limit exceeded; next request in 7 s"),
        (403, {"X-RateLimit-Remaining": "0"}, "API rate limit exceeded for user", "no request left"),
        (403, {}, "Resource not accessible by personal access token", "HTTP 403"),
    ],
    ids=["secondary", "too many requests", "primary", "forbidden"],
)
def test_a_limit_is_reported_as_what_it_is(
    hub: GitHub, status: int, headers: dict[str, str], message: str, problem: str
) -> None:
    hub.refusals[BRANCH] = status, headers, message
    runner = runner_of(hub)
    assert not runner.run_once("github")
    assert runner.problems() == f"github: ask GitHub for branch: {problem}"


def test_nothing_is_asked_before_a_secondary_limit_is_over(hub: GitHub) -> None:
    hub.refusals[BRANCH] = 429, {"Retry-After": "60"}, "slow down"
    runner = runner_of(hub)
    runner.run_once("github")
    asked = len(hub.asked)
    assert not runner.run_once("github")
    assert "a secondary rate limit asks to wait for" in runner.problems()
    assert len(hub.asked) == asked


def test_a_branch_of_any_name_is_quoted(hub: GitHub) -> None:
    hub.answers["/repos/owner/brain/branches/team%2Fa%23b%3F%25"] = {"protected": True}
    runner = runner_of(hub, branch="team/a#b?%")
    assert runner.run_once("github"), runner.problems()
    assert value(runner, 'github_branch_protected{branch="team/a#b?%"}') == "1"


def test_a_moved_repository_is_followed_and_reported_once(hub: GitHub, caplog: pytest.LogCaptureFixture) -> None:
    hub.moved["/repos/owner/brain"] = "/repositories/7"
    hub.answers["/repositories/7"] = {"full_name": "team/memory"}
    hub.answers["/repos/team/memory/branches/main"] = {"protected": True}
    runner = runner_of(hub)
    assert runner.run_once("github"), runner.problems()
    first = len(hub.asked)
    assert runner.run_once("github"), runner.problems()
    assert value(runner, 'github_branch_protected{branch="main"}') == "1"
    assert caplog.text.count("owner/brain moved to team/memory; change its name in config/storage.yaml") == 1
    assert hub.asked[first:] == [("/rate_limit", 200), ("/repos/team/memory/branches/main", 304)]


def test_a_name_that_is_used_again_is_asked_for_once_the_new_name_is_gone(hub: GitHub) -> None:
    hub.moved["/repos/owner/brain"] = "/repositories/7"
    hub.answers |= {"/repositories/7": {"full_name": "team/memory"}}
    hub.answers["/repos/team/memory/branches/main"] = {"protected": True}
    runner = runner_of(hub)
    assert runner.run_once("github"), runner.problems()
    hub.moved.clear()
    del hub.answers["/repos/team/memory/branches/main"]
    assert not runner.run_once("github")
    assert runner.run_once("github"), runner.problems()
    assert value(runner, 'github_branch_protected{branch="main"}') == "0"


def test_a_token_is_sent_to_no_other_server(hub: GitHub) -> None:
    with played() as other:
        hub.refusals[BRANCH] = 302, {"Location": f"{other.url}{BRANCH}"}, ""
        runner = runner_of(hub)
        assert not runner.run_once("github")
    assert runner.problems() == ("github: ask GitHub for branch: redirected to another server; check brain.api_url")
    assert not other.asked


def test_a_temporary_redirect_is_followed(hub: GitHub, caplog: pytest.LogCaptureFixture) -> None:
    hub.refusals[BRANCH] = 307, {"Location": "/elsewhere?page=1"}, ""
    hub.answers["/elsewhere"] = {"protected": True}
    runner = runner_of(hub)
    assert runner.run_once("github"), runner.problems()
    assert value(runner, 'github_branch_protected{branch="main"}') == "1"
    assert hub.queries[-1] == "page=1"
    assert "moved" not in caplog.text


def test_an_answer_that_is_not_ready_fails_the_pass_at_once(hub: GitHub) -> None:
    hub.refusals[BRANCH] = 202, {}, ""
    runner = runner_of(hub)
    assert not runner.run_once("github")
    assert runner.problems() == "github: ask GitHub for branch: HTTP 202"
    assert [path for path, _ in hub.asked] == ["/rate_limit", BRANCH]


def test_a_response_without_bound_fails_the_pass(hub: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(github_connection, "MAX_BYTES", 1000)
    hub.answers[BRANCH] = {"name": "x" * 1000}
    runner = runner_of(hub)
    assert not runner.run_once("github")
    assert "the response has more than" in runner.problems()


def test_a_redirect_without_end_fails_the_pass(hub: GitHub) -> None:
    hub.moved["/repos/owner/brain"] = "/repos/owner/brain"
    runner = runner_of(hub)
    assert not runner.run_once("github")
    assert runner.problems() == "github: ask GitHub for branch: too many redirects"


@pytest.mark.parametrize("body", [[], {}, {"protected": None}, "text"])
def test_a_response_without_the_field_costs_itself(hub: GitHub, body: object) -> None:
    hub.answers[BRANCH] = body
    runner = runner_of(hub)
    assert runner.run_once("github"), runner.problems()
    assert value(runner, "github_rate_limit_requests") == "5000"
    assert value(runner, 'github_branch_protected{branch="main"}') is None
