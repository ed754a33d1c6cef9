"""GitHub's REST API by PyGithub, for what git does not provide: conditional requests, a reserve of the rate limit."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from math import ceil
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import requests
from github.Auth import Token
from github.Consts import DEFAULT_PER_PAGE
from pydantic_core import from_json
from requests import codes
from urllib3.exceptions import HTTPError

from nervesys.clients.http_errors import ResponseTooLarge, cause
from nervesys.errors import BrainUnavailable, QuotaLow
from nervesys.settings.storage import BrainSettings
from nervesys.stores.github_connection import (
    PERMANENT,
    TEMPORARY,
    BoundedRequester,
    UnfinishedResponse,
)

Request = Callable[[str], AbstractContextManager[None]]
"""Context manager around each request, given its operation; counts it."""

REDIRECTS = 5
SECONDARY_SECONDS = 60.0
"""Pause after a secondary rate limit without `Retry-After`, as GitHub's documentation advises."""
MAX_PAUSE_SECONDS = 3600.0
"""Longest pause that a response can ask for: GitHub's limits are of one hour."""
LIMITED = {codes.forbidden, codes.too_many_requests}

log = logging.getLogger(__name__)


class Quota(NamedTuple):
    """The rate limit: requests an hour, remaining requests, and the time of the reset, in Unix seconds."""

    limit: int
    remaining: int
    reset: int


class GitHubResponse(NamedTuple):
    """Status, headers by name in lower case, and the body as text."""

    status: int
    headers: Mapping[str, str]
    text: str


class GitHub:
    """The client. It never retries or sleeps, because the next refresh comes soon.

    Args:
        settings: URL, token, time limit, and the reserve of the rate limit.
        request: counts each request.
        timer: monotonic seconds.
    """

    def __init__(self, settings: BrainSettings, request: Request, timer: Callable[[], float] = time.monotonic) -> None:
        self._request, self._timer = request, timer
        self._floor = settings.quota_floor
        self._url = settings.api_url.rstrip("/")
        self._api = BoundedRequester(
            auth=Token(settings.token.get_secret_value()) if settings.token else None,
            base_url=self._url,
            timeout=ceil(settings.timeout_seconds),
            user_agent="nervesys-observability",
            per_page=DEFAULT_PER_PAGE,
            verify=True,
            retry=None,
            pool_size=None,
            seconds_between_requests=None,
        )
        self._paused_until = 0.0
        self._moved: dict[str, str] = {}

    def quota(self) -> Quota | None:
        """The current rate limit; this request is free. None if the server has none (GitHub Enterprise answers 404).

        Raises:
            BrainUnavailable: GitHub does not respond, or refuses the token.
            QuotaLow: a secondary rate limit is exceeded.
        """
        with self._counted_request("rate_limit"):
            answer = self._send("rate_limit", "/rate_limit", follow=PERMANENT | TEMPORARY)
            if answer.status == codes.not_found:
                return None
            body = _json("rate_limit", answer)
            try:
                rate = body["rate"]
                return Quota(int(rate["limit"]), int(rate["remaining"]), int(rate["reset"]))
            except (KeyError, TypeError, ValueError) as err:
                raise BrainUnavailable("ask GitHub for rate_limit: the response holds no rate") from err

    def check_reserve(self, quota: Quota | None) -> None:
        """Check that more requests are left than the reserve; always so without a rate limit.

        Raises:
            QuotaLow: only the reserve is left.
        """
        if quota is not None and quota.remaining <= self._floor:
            left = f"{quota.remaining} of {quota.limit} requests left"
            raise QuotaLow(f"ask GitHub: {left}, {self._floor} are kept for others")

    def get(self, operation: str, repository: str, path: str, known: str | None) -> tuple[str | None, Any] | None:
        """A response with its ETag; None if it has not changed, which does not count against the rate limit.

        Args:
            operation: name of the operation, for metrics.
            repository: `owner/name`, as configured; a move is followed, and reported once.
            path: path below the repository with its query, quoted.
            known: ETag of the last response.

        Raises:
            BrainUnavailable: GitHub does not respond, or with an error.
            QuotaLow: no request is left, or a secondary rate limit is exceeded.
        """
        with self._counted_request(operation):
            answer = self._ask_repository(operation, repository, path, {"If-None-Match": known} if known else {})
            if answer.status == codes.not_modified:
                return None
            return answer.headers.get("etag"), _json(operation, answer)

    @contextmanager
    def _counted_request(self, operation: str) -> Iterator[None]:
        """Count a request, and convert the exceptions of the connection; none is sent during a pause."""
        if (seconds := self._paused_until - self._timer()) > 0:
            raise QuotaLow(f"ask GitHub for {operation}: a secondary rate limit asks to wait for {seconds:.0f} s more")
        with self._request(operation):
            try:
                yield
            except ResponseTooLarge as err:
                raise BrainUnavailable(f"ask GitHub for {operation}: {err}") from err
            except (requests.RequestException, HTTPError, OSError) as err:
                raise BrainUnavailable(f"ask GitHub for {operation}: {cause(err)}") from err
            except UnfinishedResponse as err:
                problem = f"HTTP {err.status}" if err.status == codes.accepted else "too many redirects"
                raise BrainUnavailable(f"ask GitHub for {operation}: {problem}") from err
            except ValueError as err:
                raise BrainUnavailable(f"ask GitHub for {operation}: the response is not JSON") from err

    def _ask_repository(self, operation: str, repository: str, path: str, headers: dict[str, str]) -> GitHubResponse:
        name = self._moved.get(repository, repository)
        try:
            answer = self._send(operation, f"/repos/{name}{path}", headers)
        except UnfinishedResponse as redirect:
            if redirect.status not in PERMANENT:
                raise
            name = self._moved[repository] = self._find_name(operation, name)
            log.warning("GitHub: %s moved to %s; change its name in config/storage.yaml", repository, name)
            answer = self._send(operation, f"/repos/{name}{path}", headers)
        if answer.status == codes.not_found:
            self._moved.pop(repository, None)  # the old name may be in use again
        return answer

    def _find_name(self, operation: str, repository: str) -> str:
        """The name that a moved repository has now; asked for, because a redirect may lack the request's query."""
        body = _json(operation, self._send(operation, f"/repos/{repository}", follow=PERMANENT | TEMPORARY))
        name = body.get("full_name") if isinstance(body, dict) else None
        if not isinstance(name, str) or name.casefold() == repository.casefold():
            raise BrainUnavailable(f"ask GitHub for {operation}: {repository} moved, and its new name is not given")
        return name

    def _send(
        self,
        operation: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        follow: frozenset[int] = TEMPORARY,
    ) -> GitHubResponse:
        for left in reversed(range(REDIRECTS + 1)):
            sent = {"Accept": "application/vnd.github+json", **(headers or {})}
            try:
                answer = GitHubResponse(*self._api.requestJson("GET", path, headers=sent))
            except UnfinishedResponse as redirect:
                if redirect.status not in follow or not left:
                    raise
                path = self._same_server(operation, redirect.location)
            else:
                break
        if answer.status == codes.unauthorized:
            raise BrainUnavailable(f"ask GitHub for {operation}: the token is refused")
        if answer.status in LIMITED:
            self._check_limits(operation, answer)
        return answer

    def _same_server(self, operation: str, location: str) -> str:
        """The URL that a redirect leads to; the token is sent to no other server."""
        url = urljoin(f"{self._url}/", location)
        if urlsplit(url)[:2] != urlsplit(self._url)[:2]:
            raise BrainUnavailable(f"ask GitHub for {operation}: redirected to another server; check brain.api_url")
        return url

    def _check_limits(self, operation: str, answer: GitHubResponse) -> None:
        """Raise `QuotaLow` if a response is the refusal of a rate limit; other refusals pass."""
        wait = answer.headers.get("retry-after", "")
        if answer.headers.get("x-ratelimit-remaining") == "0":
            raise QuotaLow(f"ask GitHub for {operation}: no request left")
        text = answer.text.lower()
        if wait or "secondary rate limit" in text or answer.status == codes.too_many_requests:
            seconds = min(float(wait), MAX_PAUSE_SECONDS) if wait.isdecimal() else SECONDARY_SECONDS
            self._paused_until = self._timer() + seconds
            raise QuotaLow(
                f"ask GitHub for {operation}: secondary rate limit exceeded; next request in {seconds:.0f} s"
            )
        if "rate limit exceeded" in text:
            raise QuotaLow(f"ask GitHub for {operation}: no request left")


def _json(operation: str, answer: GitHubResponse) -> Any:
    if answer.status != codes.ok:
        raise BrainUnavailable(f"ask GitHub for {operation}: HTTP {answer.status}")
    return from_json(answer.text)
