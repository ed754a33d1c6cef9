"""GitHub's API, for what git does not tell: conditional, and never below the floor of the quota."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple

import requests
from github import Auth, BadCredentialsException, Github, GithubException, RateLimitExceededException

from nervesys.errors import BrainUnavailable, QuotaLow
from nervesys.http import cause
from nervesys.settings.storage import Brain

Request = Callable[[str], AbstractContextManager[None]]
"""Entered around each request, with what is asked for; to count it."""


class Quota(NamedTuple):
    """Requests that are granted an hour, those that are left of them, and when they are granted anew, Unix seconds."""

    limit: int
    remaining: int
    reset: int


class GitHub:
    """A client that tries once and never sleeps: the next pass comes soon enough.

    Args:
        settings: address, token, time limit, and the floor of the quota.
        request: told of each request.
    """

    def __init__(self, settings: Brain, request: Request) -> None:
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
        """What is left; asking costs nothing.

        Raises:
            BrainUnavailable: GitHub does not answer, or refuses the token.
        """
        with self._asking("rate_limit"):
            rate = self._api.get_rate_limit().rate
        return Quota(rate.limit, rate.remaining, int(rate.reset.timestamp()))

    def spare(self, quota: Quota) -> None:
        """Go on only above the floor.

        Raises:
            QuotaLow: it is reached.
        """
        if quota.remaining <= self._floor:
            left = f"{quota.remaining} of {quota.limit} requests left"
            raise QuotaLow(f"ask GitHub: {left}, {self._floor} are kept for others")

    def get(self, operation: str, path: str, known: str | None) -> tuple[str | None, Any] | None:
        """An answer with its ETag; None where it is still the one that is known, which costs nothing.

        Args:
            operation: what is asked for, in a word.
            path: of the API.
            known: ETag of the last answer.

        Raises:
            BrainUnavailable: GitHub does not answer, or not with success.
            QuotaLow: no request is left.
        """
        headers = {"If-None-Match": known} if known else {}
        with self._asking(operation):
            answered, found = self._api.requester.requestJsonAndCheck("GET", path, headers=headers)
        return None if found is None else (answered.get("etag"), found)

    @contextmanager
    def _asking(self, operation: str) -> Iterator[None]:
        """Tell of a request, and turn what PyGithub raises into our tree; its messages hold answers, no token."""
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
