"""The client of Prometheus' HTTP API (v1). All queries of this project go through it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from nervesys.clients.bounded_http import call
from nervesys.clients.http_errors import cause
from nervesys.errors import NervesysError

MAX_BYTES = 256 << 20
"""Of a result: 11 000 points, which Prometheus gives of a series at most, of 500 series have 150 MB."""


class QueryFailed(NervesysError):
    """Prometheus did not respond, or rejected the query."""


@dataclass(frozen=True)
class Series:
    """One series of a query result.

    Attributes:
        labels: its labels, with `__name__` where the query keeps it.
        points: (Unix seconds, value), oldest first; a single one for an instant query.
    """

    labels: dict[str, str]
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Prometheus:
    """A Prometheus server.

    Attributes:
        url: base URL, such as `http://127.0.0.1:17090`.
        timeout_seconds: of each query.
    """

    url: str
    timeout_seconds: float = 30

    def instant(self, expr: str, at: float | None = None) -> list[Series]:
        """The value of an expression at one instant.

        Raises:
            QueryFailed: with Prometheus' error message.
        """
        data = self._request("query", {"query": expr, **({} if at is None else {"time": at})})
        with self._parsing(expr):
            if data["resultType"] in {"scalar", "string"}:
                return [Series({}, (_point(data["result"]),))]
            return [Series(series["metric"], (_point(series["value"]),)) for series in data["result"]]

    def range(self, expr: str, start: float, end: float, step: float) -> list[Series]:
        """The values of an expression over time; step in seconds.

        Raises:
            QueryFailed: with Prometheus' error message.
        """
        data = self._request("query_range", {"query": expr, "start": start, "end": end, "step": step})
        with self._parsing(expr):
            return [Series(series["metric"], tuple(map(_point, series["values"]))) for series in data["result"]]

    def label_values(self, label: str, selector: str, start: float, end: float, limit: int | None = None) -> list[str]:
        """The values that a label of the selected series has within a time range, sorted.

        Args:
            label: its name.
            selector: of the series.
            start: Unix seconds.
            end: Unix seconds.
            limit: most values to return; None for all.

        Raises:
            QueryFailed: with Prometheus' error message.
        """
        bounds = {} if limit is None else {"limit": limit}  # since 2.53; older releases ignore it
        data = self._request(f"label/{label}/values", {"match[]": selector, "start": start, "end": end, **bounds})
        with self._parsing(selector):
            return sorted(map(str, data[:]))[:limit]  # no slice can be taken of what is no list

    def targets(self) -> list[dict[str, Any]]:
        """The active targets, as the API gives them: `labels`, `health`, `lastError`."""
        return list(self._request("targets", {"state": "active"})["activeTargets"])

    def rules(self) -> list[dict[str, Any]]:
        """The rules of all groups, as the API gives them: `name`, `health`, `lastError`."""
        return [rule for group in self._request("rules", {})["groups"] for rule in group["rules"]]

    def alerts(self) -> list[dict[str, Any]]:
        """Pending and firing alerts, as the API gives them."""
        return list(self._request("alerts", {})["alerts"])

    def parse(self, expr: str) -> None:
        """Have this release parse an expression (`format_query`, since 2.40).

        Raises:
            QueryFailed: with Prometheus' error message.
        """
        self._request("format_query", {"query": expr})

    def status(self, of: str) -> dict[str, Any]:
        """A status page of the API, such as `flags` or `runtimeinfo`."""
        return dict(self._request(f"status/{of}", {}))

    def _request(self, endpoint: str, params: dict[str, Any]) -> Any:
        try:
            response = call("GET", f"{self.url}/api/v1/{endpoint}", self.timeout_seconds, MAX_BYTES, params=params)
            body = response.json()
        except (requests.RequestException, ValueError) as err:
            raise QueryFailed(f"query Prometheus at {self.url}: {cause(err)}") from err
        if not isinstance(body, dict) or body.get("status") != "success":
            problem = body.get("error") if isinstance(body, dict) else None
            what = params.get("query", endpoint)
            raise QueryFailed(f"query Prometheus at {self.url} for {what}: {problem or f'HTTP {response.status_code}'}")
        return body.get("data")

    @contextmanager
    def _parsing(self, what: str) -> Iterator[None]:
        """What another server than Prometheus sends is an error of this query alone."""
        try:
            yield
        except (LookupError, TypeError, ValueError) as err:
            raise QueryFailed(f"query Prometheus at {self.url} for {what}: not a response of Prometheus") from err


def _point(pair: list[Any]) -> tuple[float, float]:
    return float(pair[0]), float(pair[1])
