"""GitHub's REST API, for what git does not provide: conditional requests, and a reserve of the rate limit."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple

import requests
from github import Auth, BadCredentialsException, Github, GithubException, RateLimitExceededException

from nervesys.clients.http_errors import cause
from nervesys.errors import BrainUnavailable, QuotaLow
from nervesys.settings.storage import BrainSettings

Request = Callable[[str], AbstractContextManager[None]]
"""Context manager around each request, given its operation; counts it."""


class Quota(NamedTuple):
    """The rate limit: requests an hour, remaining requests, and the time of the reset, in Unix seconds."""

    limit: int
    remaining: int
    reset: int


class GitHub:
    """The client. It never retries or sleeps, because the next refresh comes soon.

    Args:
        settings: URL, token, time limit, and the reserve of the rate limit.
        request: counts each request.
    """

    def __init__(self, settings: BrainSettings, request: Request) -> None:
        self._request = request
        self._floor = settings.quota_floor
        self._api = Github(
            auth=Auth.Token(settings.token.get_secret_value()) if settings.token else None,
            base_url=settings.api_url,
            timeout=max(1, int(settings.timeout_seconds)),
            retry=None,
            seconds_between_requests=None,
        )

    def quota(self) -> Quota:
        """The current rate limit; this request is free.

        Raises:
            BrainUnavailable: GitHub does not respond, or refuses the token.
        """
        with self._counted_request("rate_limit"):
            rate = self._api.get_rate_limit().rate
        return Quota(rate.limit, rate.remaining, int(rate.reset.timestamp()))

    def check_reserve(self, quota: Quota) -> None:
        """Check that more requests are left than the reserve.

        Raises:
            QuotaLow: only the reserve is left.
        """
        if quota.remaining <= self._floor:
            left = f"{quota.remaining} of {quota.limit} requests left"
            raise QuotaLow(f"ask GitHub: {left}, {self._floor} are kept for others")

    def get(self, operation: str, path: str, known: str | None) -> tuple[str | None, Any] | None:
        """A response with its ETag; None if it has not changed, which does not count against the rate limit.

        Args:
            operation: name of the operation, for metrics.
            path: path of the API.
            known: ETag of the last response.

        Raises:
            BrainUnavailable: GitHub does not respond, or with an error.
            QuotaLow: no request is left.
        """
        headers = {"If-None-Match": known} if known else {}
        with self._counted_request(operation):
            headers_received, found = self._api.requester.requestJsonAndCheck("GET", path, headers=headers)
        return None if found is None else (headers_received.get("etag"), found)

    @contextmanager
    def _counted_request(self, operation: str) -> Iterator[None]:
        """Count a request, and convert PyGithub's exceptions."""
        with self._request(operation):
            try:
                yield
            except RateLimitExceededException as err:
                raise QuotaLow(f"ask GitHub for {operation}: no request left") from err
            except BadCredentialsException as err:
                raise BrainUnavailable(f"ask GitHub for {operation}: the token is refused") from err
            except GithubException as err:
                raise BrainUnavailable(f"ask GitHub for {operation}: HTTP {err.status}") from err
            except requests.RequestException as err:
                raise BrainUnavailable(f"ask GitHub for {operation}: {cause(err)}") from err
