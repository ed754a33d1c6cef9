"""The interface that every driver implements: the same situations have the same causes.

Covers: alerting.drivers, alerting.drivers.driver, alerting.drivers.fields, alerting.drivers.outcome.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from alerting.drivers import Driver, Drivers
from alerting.drivers.outcome import Cause, Done, Failed, Retry
from nervesys.settings import AgentConfig
from tests.alerting.drivers.kit import BENCHES, SECRET, Situation, order

PAGES = Path(__file__).parents[3] / "docs/how-to/drivers"

FAILURES = [
    (Situation.NOT_FOUND, Failed, Cause.NOT_FOUND),
    (Situation.NOT_ALLOWED, Failed, Cause.NOT_ALLOWED),
    (Situation.REFUSED, Retry, Cause.REFUSED),
    (Situation.HANGS, Retry, Cause.TIMED_OUT),
    (Situation.TRICKLES, Retry, Cause.TIMED_OUT),
]
ODD_NAMES = ["gro\nk", "a/../b", "'; rm -rf ~ #\"", "$(id)", "--help", "%2e%2e", "ünï cödé", "x" * 4000]


@pytest.fixture(params=sorted(BENCHES))
def bench(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("A_KEY", SECRET)
    return str(request.param)


@pytest.fixture
def working(bench: str, tmp_path: Path) -> Iterator[Driver]:
    with BENCHES[bench](Situation.WORKS, tmp_path) as driver:
        yield driver


def test_every_driver_is_on_the_bench() -> None:
    assert set(BENCHES) == set(Drivers.model_fields)


def test_every_driver_has_a_page_whose_examples_are_right(bench: str) -> None:
    text = (PAGES / f"{bench}.md").read_text()
    local, agent = (
        yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    )
    assert list(Drivers.model_validate(local["drivers"]).configured()) == [bench]
    assert AgentConfig.model_validate({"name": "grok", **agent["agent"]}).restart.driver == bench
    assert f"](drivers/{bench}.md)" in (PAGES.parent / "restarts.md").read_text()


def test_a_restart_that_works_is_done_and_says_no_secret(working: Driver) -> None:
    outcome = working.restart(order())
    assert isinstance(outcome, Done), outcome
    assert SECRET not in f"{outcome}{working!r}"


@pytest.mark.parametrize(("situation", "kind", "cause"), FAILURES, ids=[str(row[0]) for row in FAILURES])
def test_failures_have_distinct_causes_and_no_secret(
    bench: str, situation: Situation, kind: type[Failed | Retry], cause: Cause, tmp_path: Path
) -> None:
    with BENCHES[bench](situation, tmp_path) as driver:
        outcome = driver.restart(order())
    assert isinstance(outcome, kind), outcome
    assert outcome.cause is cause
    assert outcome.detail
    assert SECRET not in str(outcome)


@pytest.mark.parametrize("name", ODD_NAMES, ids=range(len(ODD_NAMES)))
def test_an_odd_name_is_a_name_and_nothing_else(working: Driver, name: str) -> None:
    assert isinstance(working.restart(order(name)), Done | Failed | Retry)
