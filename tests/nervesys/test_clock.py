import time

from nervesys.clock import system_clock


def test_the_clock_counts_unix_seconds() -> None:
    before = time.time()
    assert before <= system_clock() <= time.time()
