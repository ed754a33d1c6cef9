"""Vital signs: counts and buckets are checked."""

import json

import pytest
from pydantic import ValidationError

from nervesys.contract import VitalSigns

NOW = "2026-01-01T00:00:00Z"


def test_only_the_timestamp_is_required() -> None:
    assert VitalSigns.parse(json.dumps({"timestamp": NOW}).encode()).pulses is None


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"pulses": {"received": 1, "answered": 2}}, "more pulses are answered than received"),
        ({"reaction_seconds": {"buckets": {"fast": 1}, "sum": 1}}, "upper bound in seconds"),
        ({"reaction_seconds": {"buckets": {str(n + 1): 1 for n in range(65)}, "sum": 1}}, "more than 64 buckets"),
        ({"memory_decay": 2}, "less than or equal to 1"),
    ],
)
def test_a_wrong_sign_is_left_out(fields: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        VitalSigns.model_validate({"timestamp": NOW, **fields})
    assert VitalSigns.parse(json.dumps({"timestamp": NOW, **fields}).encode()) == VitalSigns(timestamp=NOW)
