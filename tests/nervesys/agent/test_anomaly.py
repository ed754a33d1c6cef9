"""Anomalies are found by comparing a value with those before it."""

import random

import pytest

from nervesys.agent.anomaly import MIN_VALUES, AnomalyScorer


def noise(count: int) -> list[float]:
    source = random.Random(7)
    return [source.gauss(40, 3) for _ in range(count)]


def scored(values: list[float]) -> list[float | None]:
    unusual = AnomalyScorer()
    return [unusual.scores({"cpu": value}).get("cpu") for value in values]


def test_a_signal_with_few_values_has_no_score() -> None:
    assert scored(noise(MIN_VALUES)) == [None] * MIN_VALUES


def test_ordinary_noise_is_usual_and_a_spike_is_not() -> None:
    *calm, spike = scored([*noise(200), 95])
    scores_found = [abs(score) for score in calm if score is not None]
    assert sum(score > 3.5 for score in scores_found) <= len(scores_found) * 0.03
    assert spike is not None
    assert spike > 10


def test_a_fall_has_the_other_sign() -> None:
    assert scored([*noise(100), 0])[-1] == pytest.approx(-12, abs=4)


def test_a_spike_hides_no_other_and_leaves_the_calm_usual() -> None:
    *_, first, calm, second = scored([*noise(100), 95, 41, 95])
    assert first and second and calm is not None
    assert abs(second - first) < 2
    assert abs(calm) < 2


def test_a_flat_line_may_ripple() -> None:
    assert scored([*[50.0] * 50, 50.4])[-1] == pytest.approx(0.4, abs=0.1)
    assert scored([0.0] * 50)[-1] == 0


def test_a_new_level_becomes_usual() -> None:
    assert abs(scored([*noise(100), *(value + 40 for value in noise(60))])[-1] or 0) < 3.5
