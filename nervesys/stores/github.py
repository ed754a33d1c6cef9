"""GitHub's REST API, for what git does not provide: conditional requests, and a reserve of the rate limit.

Not by PyGithub: it follows a moved repository without the query and without a word, and takes other redirects for data.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple

import requests
from pydantic_core import from_json
from urllib3.exceptions import HTTPError

from nervesys.clients.http_errors import cause
from nervesys.errors import BrainUnavailable, QuotaLow
from nervesys.settings.storage import BrainSettings

Request = Callable[[str], AbstractContextManager[None]]
"""Context manager around each request, given its operation; counts it."""

REDIRECTS = 5
MAX_BYTES = 16 << 20
"""Largest response; the 50 newest runs of a repository are about 1 MB."""
SECONDARY_SECONDS = 60.0
"""Pause after a secondary rate limit without `Retry-After`, as GitHub's documentation advises."""
MAX_PAUSE_SECONDS = 3600.0
"""Longest pause that a response can ask for: GitHub's limits are of one hour."""
MOVED = {requests.codes.moved_permanently, requests.codes.permanent_redirect}
LIMITED = {requests.codes.forbidden, requests.codes.too_many_requests}

log = logging.getLogger(__name__)


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
        timer: monotonic seconds.
    """

    def __init__(self, settings: BrainSettings, request: Request, timer: Callable[[], float] = time.monotonic) -> None:
        self._request, self._timer = request, timer
        self._floor = settings.quota_floor
        self._url = settings.api_url.rstrip("/")
        self._timeout = settings.timeout_seconds
        self._token = settings.token.get_secret_value() if settings.token else None
        self._session = requests.Session()
        self._session.max_redirects = REDIRECTS
        self._paused_until = 0.0
        self._moved: set[str] = set()

    def quota(self) -> Quota | None:
        """The current rate limit; this request is free. None if the server has none (GitHub Enterprise answers 404).

        Raises:
            BrainUnavailable: GitHub does not respond, or refuses the token.
            QuotaLow: a secondary rate limit is exceeded.
        """
        with self._counted_request("rate_limit"):
            answer = self._get("rate_limit", "/rate_limit", {})
            if answer.status_code == requests.codes.not_found:
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

    def get(self, operation: str, path: str, known: str | None) -> tuple[str | None, Any] | None:
        """A response with its ETag; None if it has not changed, which does not count against the rate limit.

        Args:
            operation: name of the operation, for metrics.
            path: path of the API, quoted.
            known: ETag of the last response.

        Raises:
            BrainUnavailable: GitHub does not respond, or with an error.
            QuotaLow: no request is left, or a secondary rate limit is exceeded.
        """
        with self._counted_request(operation):
            answer = self._get(operation, path, {"If-None-Match": known} if known else {})
            if answer.status_code == requests.codes.not_modified:
                return None
            return answer.headers.get("ETag"), _json(operation, answer)

    @contextmanager
    def _counted_request(self, operation: str) -> Iterator[None]:
        """Count a request, and convert the exceptions of requests; none is sent during a pause."""
        if (seconds := self._paused_until - self._timer()) > 0:
            raise QuotaLow(f"ask GitHub for {operation}: a secondary rate limit asks to wait for {seconds:.0f} s more")
        with self._request(operation):
            try:
                yield
            except (requests.RequestException, HTTPError, OSError) as err:
                raise BrainUnavailable(f"ask GitHub for {operation}: {cause(err)}") from err
            except ValueError as err:
                raise BrainUnavailable(f"ask GitHub for {operation}: the response is not JSON") from err

    def _get(self, operation: str, path: str, headers: dict[str, str]) -> requests.Response:
        answer = self._session.get(
            f"{self._url}{path}",
            headers={"Accept": "application/vnd.github+json", **headers},
            auth=self._authorize,
            timeout=self._timeout,
            stream=True,
        )
        if any(step.status_code in MOVED for step in answer.history) and path not in self._moved:
            self._moved.add(path)
            log.warning("GitHub: %s moved to %s; change its name in config/storage.yaml", path, answer.url)
        if answer.status_code == requests.codes.unauthorized:
            raise BrainUnavailable(f"ask GitHub for {operation}: the token is refused")
        if answer.status_code in LIMITED:
            self._check_limits(operation, answer)
        return answer

    def _check_limits(self, operation: str, answer: requests.Response) -> None:
        """Raise `QuotaLow` if a response is the refusal of a rate limit; other refusals pass."""
        wait = answer.headers.get("Retry-After", "")
        if answer.headers.get("X-RateLimit-Remaining") == "0":
            raise QuotaLow(f"ask GitHub for {operation}: no request left")
        text = _body(answer).decode(errors="replace").lower()
        if wait or "secondary rate limit" in text or answer.status_code == requests.codes.too_many_requests:
            seconds = min(float(wait), MAX_PAUSE_SECONDS) if wait.isdecimal() else SECONDARY_SECONDS
            self._paused_until = self._timer() + seconds
            raise QuotaLow(
                f"ask GitHub for {operation}: secondary rate limit exceeded; next request in {seconds:.0f} s"
            )
        if "rate limit exceeded" in text:
            raise QuotaLow(f"ask GitHub for {operation}: no request left")

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the token; without a function of its own, requests would send credentials from ~/.netrc."""
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _body(answer: requests.Response) -> bytes:
    body = answer.raw.read(MAX_BYTES + 1, decode_content=True)
    if len(body) > MAX_BYTES:
        raise BrainUnavailable(f"ask GitHub: the response has more than {MAX_BYTES} bytes")
    return bytes(body)


def _json(operation: str, answer: requests.Response) -> Any:
    if answer.status_code != requests.codes.ok:
        raise BrainUnavailable(f"ask GitHub for {operation}: HTTP {answer.status_code}")
    return from_json(_body(answer))
