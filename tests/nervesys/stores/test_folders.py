"""Roots and periods: what is listed of each layout, and in whose turn.

Covers: nervesys.stores.folders.
"""

from pathlib import Path

import pytest

from nervesys.contract import PathTemplate
from nervesys.errors import BadObject
from nervesys.stores.folders import DAY, HOUR, Folders, instant_of
from tests.exporters.store.bucket import Bucket

AT = 1_769_854_510.0  # 2026-01-31T10:15:10Z


@pytest.mark.parametrize(
    ("template", "unit", "keys", "roots", "period", "periods"),
    [
        pytest.param(
            "db/active_logs/{server}/{date}/{time}_{agent}_{seq}.jsonl.gz",
            DAY,
            ["db/active_logs/a/2026-01-30/x", "db/active_logs/b/2026-01-31/x", "db/active_logs/a/notes/x"],
            ["db/active_logs/a/", "db/active_logs/b/"],
            "db/active_logs/a/2026-01-31/",
            ["db/active_logs/a/2026-01-30/"],
            id="a folder a server and day",
        ),
        pytest.param(
            "db/metrics/{server}/{date}/{hour}/{minute}{second}_{agent}.json",
            HOUR,
            ["db/metrics/a/2026-01-31/09/x", "db/metrics/a/2026-01-31/10/x"],
            ["db/metrics/a/"],
            "db/metrics/a/2026-01-31/10/",
            ["db/metrics/a/2026-01-31/09/", "db/metrics/a/2026-01-31/10/"],
            id="and an hour",
        ),
        pytest.param(
            "logs/{category}/{year}/{month}/{server}_{date}.jsonl",
            DAY,
            ["logs/system/2026/01/x", "logs/gossip/2026/01/x"],
            ["logs/system/"],
            "logs/system/2026/01/",
            ["logs/system/2026/01/"],
            id="a folder a month, and only the categories that there are",
        ),
        pytest.param("flat/{agent}.json", DAY, ["flat/x"], ["flat/"], "flat/", ["flat/"], id="no date in a folder"),
    ],
)
def test_layouts(
    tmp_path: Path,
    template: str,
    unit: frozenset[str],
    keys: list[str],
    roots: list[str],
    period: str,
    periods: list[str],
) -> None:
    bucket = Bucket(tmp_path)
    for key in keys:
        bucket.put(key, b"x")
    folders = Folders(PathTemplate(template), unit)
    assert folders.roots(bucket) == roots
    assert folders.period(roots[0], AT) == period
    assert folders.periods(bucket, roots[0]) == periods
    assert all(prefix.endswith("/") for prefix in bucket.lists)


def test_the_instant_of_a_key() -> None:
    assert instant_of({"date": "2026-01-31", "time": "101510"}) == AT
    assert instant_of({"date": "2026-01-31"}) == AT - 10 * 3600 - 15 * 60 - 10
    assert instant_of({"agent": "grok"}) is None
    with pytest.raises(BadObject, match="bad_key"):
        instant_of({"date": "2026-02-30"})
