"""Simulated work is plausible, and the same at every start."""

from itertools import islice
from statistics import mean, median

from nervesys.agent.demo import ACTIONS, ERROR_SHARE, jobs

DAY = list(islice(jobs("grok"), 2000))


def test_the_same_name_does_the_same_work() -> None:
    assert list(islice(jobs("grok"), 50)) == DAY[:50]
    assert list(islice(jobs("gimai"), 50)) != DAY[:50]


def test_it_looks_like_work() -> None:
    assert {job.action for job in DAY} == ACTIONS.keys()
    assert 0.5 < median(job.seconds for job in DAY) < 3
    assert 200 < median(job.tokens for job in DAY) < 1500
    assert ERROR_SHARE / 2 < mean(job.error is not None for job in DAY) < ERROR_SHARE * 2
