"""Generated files are checked by the programs that read them before they replace what is there."""

import os
from pathlib import Path

import pytest

from alerting.generate.build import PROMETHEUS_RULES
from nervesys.errors import NervesysError
from nervesys.settings import StartupSettings
from nervesys.stack import readers
from nervesys.stack.programs import find
from nervesys.stack.readers import ALERTMANAGER, RULES, check_by_readers

RIGHT = {
    PROMETHEUS_RULES: "groups: [{name: g, rules: [{alert: A, expr: up == 0}]}]",
    ALERTMANAGER: "{route: {receiver: nobody}, receivers: [{name: nobody}]}",
    "prometheus/prometheus.yml": "not checked",
}


@pytest.fixture
def programs() -> Path:
    """The folder of downloaded programs."""
    find("promtool")
    return StartupSettings.of(os.environ).home / "programs"


def test_the_rules_are_where_they_are_generated() -> None:
    assert RULES == PROMETHEUS_RULES


def test_right_files_pass(programs: Path) -> None:
    assert check_by_readers(RIGHT, programs) == []


@pytest.mark.parametrize(
    ("name", "text", "program"),
    [
        (PROMETHEUS_RULES, "groups: [{name: g, rules: [{alert: A, expr: 'up =='}]}]", "promtool"),
        (PROMETHEUS_RULES, RIGHT[PROMETHEUS_RULES].replace("up == 0", "mean(up)"), "promtool"),
        (ALERTMANAGER, "{route: {receiver: gone}, receivers: [{name: nobody}]}", "amtool"),
    ],
)
def test_a_wrong_file_is_refused_by_its_reader(name: str, text: str, program: str, programs: Path) -> None:
    with pytest.raises(NervesysError, match=f"check {name}: {program} refuses it, and no file was replaced: "):
        check_by_readers({**RIGHT, name: text}, programs)


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(readers, "find_installed", lambda _name, _folder: None)
    assert check_by_readers(RIGHT, tmp_path) == ["promtool", "amtool"]
