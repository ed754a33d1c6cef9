"""Each object is read once, as it arrives."""

import pytest

from nervesys.errors import StoreUnavailable
from nervesys.logs.budget import ReadBudget
from nervesys.logs.follow import LogFollower
from nervesys.logs.query import LogQuery
from tests.nervesys.logs.fleet_logs import NOW, FleetLogs, ids, record


def test_what_arrives_is_read_once_and_a_store_that_is_away_costs_nothing(logs: FleetLogs) -> None:
    logs.ship("srv-1", "grok", NOW - 600, [record(NOW - 700, 1)])
    follower = LogFollower(logs.reader, LogQuery(NOW - 3600, NOW, agents=frozenset({"grok"})))
    assert ids(follower.new_entries(ReadBudget())) == ["grok-1"]
    assert ids(follower.new_entries(ReadBudget())) == []
    logs.ship("srv-1", "grok", NOW - 10, [record(NOW - 12, 3), record(NOW - 20, 2)], seq=2)
    logs.ship("srv-2", "grok", NOW - 5, [record(NOW - 15, 4)], seq=3)
    logs.ship("srv-2", "deepseek", NOW - 5, [record(NOW - 15, 5, "deepseek")])
    (logs.root / "store").rename(logs.root / "away")
    with pytest.raises(StoreUnavailable):
        list(follower.new_entries(ReadBudget()))
    (logs.root / "away").rename(logs.root / "store")
    assert ids(follower.new_entries(ReadBudget())) == ["grok-2", "grok-4", "grok-3"]
    assert ids(follower.new_entries(ReadBudget())) == []
