"""What `nervesys up` says about its waits."""

from commands.wait_times import WaitTimes


def test_parts_are_listed_in_their_order_with_the_seconds_that_each_took() -> None:
    now = iter([0.0, 4.0, 9.0, 9.5, 12.0])
    waits = WaitTimes(lambda: next(now))
    for part in ("processes", "processes", "scrapes", "sources", "", "heartbeats"):
        waits.begin(part)
    assert waits.summary() == " (processes 4, scrapes 5, heartbeats 2)"


def test_without_waits_there_is_nothing_to_say() -> None:
    assert WaitTimes(lambda: 0.0).summary() == ""
