"""The made-up incidents."""

from itertools import pairwise

from commands.demo_monitoring.incidents import DAYS, QUIET_SECONDS, YESTERDAY, DemoMonitoring
from nervesys.contract.times import DAY_SECONDS
from nervesys.settings import load
from tests.brains import NOON

MONITORED = DemoMonitoring(load(), NOON)
INCIDENTS = MONITORED.incidents()


def test_the_same_day_has_the_same_incidents() -> None:
    assert DemoMonitoring(load(), NOON).incidents() == INCIDENTS


def test_yesterday_has_some_and_the_last_hours_have_none() -> None:
    midnight = NOON - NOON % DAY_SECONDS
    assert sum(midnight - DAY_SECONDS <= each.fired_at < midnight for each in INCIDENTS) >= YESTERDAY
    assert INCIDENTS[0].fired_at >= MONITORED.start == midnight - DAYS * DAY_SECONDS
    assert all(each.resolved_at < NOON - QUIET_SECONDS for each in INCIDENTS)


def test_one_took_an_operator_and_none_overlap() -> None:
    assert sum(each.escalated for each in INCIDENTS) == 1
    assert all(first.resolved_at < second.silent_at for first, second in pairwise(INCIDENTS))


def test_states_follow_each_other() -> None:
    for incident in INCIDENTS:
        times = [incident.silent_at, *(at for at, _ in incident.states), incident.resolved_at]
        assert times == sorted(times)
        assert incident.states[-1][1] == "recovered"
