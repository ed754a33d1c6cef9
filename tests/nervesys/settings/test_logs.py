"""Limits of queries for log records."""

import pytest

from nervesys.errors import SettingsError
from nervesys.settings import load
from tests.nervesys.settings.conftest import MakeBrain


def test_a_brain_sets_limits_and_keeps_the_others(brain: MakeBrain) -> None:
    query = load(brain(logs="query: {max_seconds: 60}")).settings.logs.query
    assert (query.max_seconds, query.max_lines) == (60, 5000)


@pytest.mark.parametrize(
    "limit", ["max_lines: 0", "max_seconds: 0", "max_megabytes: -1", "concurrent: 100", "lines: 5"]
)
def test_a_wrong_limit_is_named(brain: MakeBrain, limit: str) -> None:
    with pytest.raises(SettingsError, match=limit.partition(":")[0]):
        load(brain(logs=f"query: {{{limit}}}"))
