"""Area `github`: what git does not tell of the repository, by GitHub's API.

Reads   the rate limit, which costs nothing; then the branch of the configuration, by its ETag, for an answer that it
        is unchanged costs nothing either. At the floor of the quota nothing more is asked.
Units   requests, Unix seconds.
Errors  BrainUnavailable and QuotaLow are raised: exporter_up drops to 0; the rate limit is shown where it is known.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from github import Auth, BadCredentialsException, Github, GithubException, RateLimitExceededException

from exporters.runner import Health, Refresh
from nervesys.errors import BrainUnavailable, QuotaLow
from nervesys.metrics import Family, Period
from nervesys.settings.storage import Brain

LIMIT = Family("github_rate_limit_limit", "gauge", "Requests that the API grants an hour.", (), Period.SCRAPE)
REMAINING = Family("github_rate_limit_remaining", "gauge", "Requests that are left of them.", (), Period.SCRAPE)
RESET = Family("github_rate_limit_reset_timestamp_seconds", "gauge", "When they are granted anew.", (), Period.SCRAPE)
PROTECTED = Family(
    "github_branch_protected",
    "gauge",
    "Whether GitHub protects the branch of the configuration.",
    ("branch",),
    Period.SCRAPE,
)

FAMILIES = (LIMIT, REMAINING, RESET, PROTECTED)


def client(settings: Brain) -> Github:
    """A client that tries once and never sleeps: the next pass comes soon enough."""
    return Github(
        auth=Auth.Token(settings.token.get_secret_value()) if settings.token else None,
        base_url=settings.api_url,
        timeout=max(1, int(settings.timeout_seconds)),
        retry=None,
        seconds_between_requests=None,
    )


class Watcher:
    """Asks GitHub.

    Args:
        api: the client.
        settings: repository, branch and the floor of the quota.
        health: counts the requests.
    """

    def __init__(self, api: Github, settings: Brain, health: Health) -> None:
        self._api = api
        self._settings = settings
        self._health = health
        self._etag: str | None = None
        for operation in ("rate_limit", "branch"):
            for outcome in ("ok", "failed"):
                health.count(operation, outcome, by=0)

    def refresh(self, out: Refresh) -> None:
        """One pass."""
        with self._asking("rate_limit"):
            rate = self._api.get_rate_limit().rate
        reset = int(rate.reset.timestamp())
        shown = (LIMIT.sample(rate.limit), REMAINING.sample(rate.remaining), RESET.sample(reset))
        out.put("rate limit", shown, shown)
        out.stands = True
        if rate.remaining <= self._settings.quota_floor:
            kept = self._settings.quota_floor
            raise QuotaLow(f"ask GitHub: {rate.remaining} of {rate.limit} requests left, {kept} are kept for others")
        self._branch(out)

    def _branch(self, out: Refresh) -> None:
        branch = self._settings.branch
        known = {"If-None-Match": self._etag} if self._etag else {}
        url = f"/repos/{self._settings.repository}/branches/{branch}"
        with self._asking("branch"):
            headers, found = self._api.requester.requestJsonAndCheck("GET", url, headers=known)
        if found is not None:
            out.put("branch", found["protected"], [PROTECTED.sample(found["protected"], branch)])
            self._etag = headers.get("etag")

    @contextmanager
    def _asking(self, operation: str) -> Iterator[None]:
        """Count a request, and turn what PyGithub raises into our tree; its messages hold answers, never the token."""
        with self._health.request(operation):
            try:
                yield
            except RateLimitExceededException as err:
                raise QuotaLow(f"ask GitHub for {operation}: no request left") from err
            except BadCredentialsException as err:
                raise BrainUnavailable(f"ask GitHub for {operation}: the token is refused") from err
            except GithubException as err:
                raise BrainUnavailable(f"ask GitHub for {operation}: HTTP {err.status}") from err
            except requests.RequestException as err:
                raise BrainUnavailable(f"ask GitHub for {operation}: {type(err).__name__}") from err
