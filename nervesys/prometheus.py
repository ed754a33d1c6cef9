"""The one client of Prometheus' HTTP API (v1): instant and range queries."""

from dataclasses import dataclass
from typing import Any

import requests

from nervesys.errors import NervesysError


class QueryFailed(NervesysError):
    """Prometheus did not answer, or refused the query."""


@dataclass(frozen=True)
class Series:
    """One series of an answer.

    Attributes:
        labels: its labels, `__name__` among them where the query kept it.
        points: (Unix seconds, value), oldest first; one for an instant query.
    """

    labels: dict[str, str]
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Prometheus:
    """A Prometheus.

    Attributes:
        url: such as `http://127.0.0.1:17090`.
        timeout_seconds: of each query.
    """

    url: str
    timeout_seconds: float = 30

    def instant(self, expr: str, at: float | None = None) -> list[Series]:
        """The value of an expression at one instant.

        Raises:
            QueryFailed: with Prometheus' own words.
        """
        data = self._ask("query", {"query": expr, **({} if at is None else {"time": at})})
        if data["resultType"] in {"scalar", "string"}:
            return [Series({}, (_point(data["result"]),))]
        return [Series(one["metric"], (_point(one["value"]),)) for one in data["result"]]

    def range(self, expr: str, start: float, end: float, step: float) -> list[Series]:
        """The values of an expression over time; step in seconds.

        Raises:
            QueryFailed: with Prometheus' own words.
        """
        data = self._ask("query_range", {"query": expr, "start": start, "end": end, "step": step})
        return [Series(one["metric"], tuple(map(_point, one["values"]))) for one in data["result"]]

    def targets(self) -> list[dict[str, Any]]:
        """The active targets, as the API gives them: `labels`, `health`, `lastError`."""
        return list(self._ask("targets", {"state": "active"})["activeTargets"])

    def alerts(self) -> list[dict[str, Any]]:
        """Pending and firing alerts, as the API gives them."""
        return list(self._ask("alerts", {})["alerts"])

    def status(self, of: str) -> dict[str, Any]:
        """What it says of itself, as the API gives it: of its `flags`, or its `runtimeinfo`."""
        return dict(self._ask(f"status/{of}", {}))

    def _ask(self, what: str, params: dict[str, Any]) -> Any:
        try:
            answer = requests.get(f"{self.url}/api/v1/{what}", params=params, timeout=self.timeout_seconds)
            body = answer.json()
        except (requests.RequestException, ValueError) as err:
            raise QueryFailed(f"ask {self.url}: {type(err).__name__}") from err
        if body.get("status") != "success":
            raise QueryFailed(
                f"ask {self.url} for {params.get('query', what)}: {body.get('error', answer.status_code)}"
            )
        return body["data"]


def _point(pair: list[Any]) -> tuple[float, float]:
    return float(pair[0]), float(pair[1])
