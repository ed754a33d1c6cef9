"""Ids sort by creation time, also within one millisecond."""

import re

import pytest

from nervesys.contract.ulid import PATTERN, UlidGenerator, creation_time

NOW = 1_767_225_600.25


def test_ids_of_one_millisecond_rise_and_share_their_instant() -> None:
    generator = UlidGenerator(lambda: NOW)
    stamps = [generator.next() for _ in range(5000)]
    ids = [stamp.id for stamp in stamps]
    assert ids == sorted(set(ids))
    assert all(re.fullmatch(PATTERN, id_) for id_ in ids)
    assert {stamp.timestamp for stamp in stamps} == {"2026-01-01T00:00:00.250Z"}


def test_the_creation_time_is_read_from_the_id() -> None:
    assert creation_time(UlidGenerator(lambda: NOW).next().id) == pytest.approx(NOW)
