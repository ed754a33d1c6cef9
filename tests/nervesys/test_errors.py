"""The messages of wrong settings, and how they are collected."""

import pytest

from nervesys.errors import BadObject, Reason, SettingsError, SettingsProblem, collect_problems

PROBLEM = SettingsProblem("config/storage.yaml:12", "storj.bucket", "is missing")


def test_a_problem_names_file_line_and_key() -> None:
    assert str(PROBLEM) == "config/storage.yaml:12: storj.bucket: is missing"
    assert str(SettingsProblem("profile", "", "unknown")) == "profile: unknown"


def test_problems_of_several_blocks_are_collected() -> None:
    problems: list[SettingsProblem] = []
    for _ in range(2):
        with collect_problems(problems):
            raise SettingsError([PROBLEM])
    assert problems == [PROBLEM, PROBLEM]


def test_other_errors_are_not_collected() -> None:
    with pytest.raises(BadObject, match="gone: k"), collect_problems([]):
        raise BadObject(Reason.GONE, "k")
