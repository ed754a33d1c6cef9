"""Source `brain`, area `brain`: real Git repositories in, the exposition out.

Covers: exporters.brain, exporters.brain.repository, exporters.brain.reports, exporters.brain.output_plan,
exporters.shared.summaries.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pygit2
import pytest

from exporters.brain import SOURCE
from exporters.runner import Runner, open_source
from nervesys.settings import StartupSettings
from nervesys.stores.open_stores import load_configuration
from tests.brains import NOON, write
from tests.exporters.kit import HandClock, context

GOLDEN = Path(__file__).parent / "golden"
DAY = 86_400
GROK = b"agent: {name: grok, role: research, buffer: {max_size_mb: 50}}\n"
PEOPLE = b'{"ai_collaborators": [{"name": "grok", "model": "grok-4"}, {"name": "Ada \\"A\\""}]}'
STATUS = b'{"agent_id": "GROK", "status": "running", "timestamp": "2026-01-01T11:00:00Z"}'


def fleet(repository: Path) -> None:
    """Two agents, a history of three authors, reports on both branches."""
    write(repository, {"README.md": b"hello\n"}, when=NOON - 9 * DAY)
    write(
        repository,
        {
            "config/agents/grok.yaml": GROK,
            "config/agents/default.yaml": b"agent: {buffer: {max_size_mb: 100}}\n",
            "CONTRIBUTORS.json": PEOPLE,
        },
        when=NOON - 8 * DAY,
    )
    write(repository, {"config/agents/gimai.yaml": b"agent: {role: review}\n"}, author="bob", when=NOON - 2 * DAY)
    write(repository, {"config/agents/old.yaml": b"agent: {enabled: false}\n"}, author="bob", when=NOON - DAY)
    write(repository, {"config/agents/grok.yaml": GROK + b"# tuned\n"}, author="Zoë", when=NOON - DAY // 2)
    write(repository, {"state/gimai_last_status.json": STATUS.replace(b"11:00", b"09:00")}, when=NOON - DAY // 3)
    write(
        repository,
        {
            "state/grok_last_status.json": STATUS,
            "logs/errors/grok_errors.log": b"one\ntwo\nthree",
            "logs/errors/gimai_errors.log": b"",
            "metrics/daily/2025-12-30.json": b'{"date": "2025-12-30", "tokens_used": 1}',
            "metrics/daily/2025-12-31.json": b'{"date": "2025-12-31", "agents": 2, "tokens_used": 1234, "extra": 5,'
            b' "tasks": {"completed": 40, "failed": 2}, "log_records": 900, "errors": 7}',
        },
        branch="state",
        author="grok",
    )


def broken(repository: Path) -> None:
    """Everything that reports can be but right; the fleet and the good reports stand."""
    write(repository, {"config/agents/grok.yaml": GROK, "CONTRIBUTORS.json": b"[]"})
    write(
        repository,
        {
            "state/grok_last_status.json": STATUS,
            "state/half_last_status.json": STATUS[:-9],
            "state/late_last_status.json": STATUS.replace(b"2026", b"2036"),
            "state/-bad-_last_status.json": STATUS,
            "state/huge_last_status.json": STATUS + b" " * (1 << 20),
            "state/README.md": b"nobody's business",
            "logs/errors/no\nname_errors.log": b"x\n",
            "metrics/daily/2036-01-01.json": b"{}",
            "metrics/daily/2025-12-31.json": b'{"date": "2025-12-31", "errors": NaN}',
            "metrics/daily/2025-02-30.json": b"{}",
            "metrics/daily/2025-12-30.json": b'{"date": "2025-12-30", "errors": 3}',
        },
        branch="state",
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return tmp_path / "brain.git"


def runner_of(repository: Path, home: Path, clock: HandClock | None = None) -> Runner:
    opened = context(clock or HandClock(NOON), source="brain")
    return Runner(SOURCE, replace(opened, place=StartupSettings(home, str(repository)), agents={}))


def shown(runner: Runner, family: str) -> dict[str, str]:
    """Labels to value, of one family."""
    text = runner.snapshot().plain.decode()
    lines = [
        line.removeprefix(f"nervesys_{family}") for line in text.splitlines() if line.startswith(f"nervesys_{family}")
    ]
    return {labels: value for labels, _, value in (line.rpartition(" ") for line in lines)}


@pytest.mark.parametrize("story", [fleet, broken], ids=lambda story: story.__name__)
def test_exposition(
    story: Callable[[Path], None], repository: Path, tmp_path: Path, golden_exposition: Callable[[Path, Runner], None]
) -> None:
    story(repository)
    runner = runner_of(repository, tmp_path / "home")
    assert runner.run_once("brain"), runner.problems()
    golden_exposition(GOLDEN / f"{story.__name__}.prom", runner)


def test_what_moved_is_shown_and_what_is_gone_is_forgotten(repository: Path, tmp_path: Path) -> None:
    fleet(repository)
    runner = runner_of(repository, tmp_path / "home")
    runner.run_once("brain")
    write(repository, {"config/agents/gimai.yaml": None})
    write(repository, {"state/grok_last_status.json": None}, branch="state")
    runner.run_once("brain")
    assert list(shown(runner, "brain_agent_info")) == ['{agent="grok",role="research"}']
    assert list(shown(runner, "brain_agent_status_timestamp_seconds")) == ['{agent="gimai"}']


def test_nothing_is_read_again_while_no_branch_moved(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet(repository)
    runner = runner_of(repository, tmp_path / "home")
    runner.run_once("brain")
    monkeypatch.setattr("exporters.brain.repository.load", None)
    assert runner.run_once("brain"), runner.problems()


def test_the_version_that_was_loaded_at_the_start_is_not_loaded_again(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet(repository)
    environ = {"NERVESYS_HOME": str(tmp_path / "home"), "NERVESYS_BRAIN": str(repository)}
    start = load_configuration("a program", environ)
    monkeypatch.setattr("exporters.brain.repository.load", None)
    with open_source(SOURCE, start.place, start.loaded, HandClock(NOON)) as runner:
        assert runner.run_once("brain"), runner.problems()
        assert len(shown(runner, "brain_agent_info")) == 2


def test_a_wrong_configuration_leaves_the_fleet_as_it_was(
    repository: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fleet(repository)
    runner = runner_of(repository, tmp_path / "home")
    runner.run_once("brain")
    before = shown(runner, "brain_agent_info")
    write(repository, {"config/agents/grok.yaml": b"agent: {buffer: {max_size_mb: none at all}}\n"}, when=NOON + 1)
    assert runner.run_once("brain")
    assert shown(runner, "brain_agent_info") == before
    assert shown(runner, "brain_last_commit_timestamp_seconds") == {"": str(NOON + 1)}
    assert "config/agents/grok.yaml:1: agent.buffer.max_size_mb" in caplog.text
    assert shown(runner, "exporter_rejected_objects_total")['{reason="bad_value",source="brain"}'] == "1.0"


def test_out_of_reach_the_mirror_is_served_and_the_area_is_down(repository: Path, tmp_path: Path) -> None:
    fleet(repository)
    runner_of(repository, tmp_path / "home").run_once("brain")
    repository.rename(tmp_path / "away")
    repository.mkdir()
    (repository / "HEAD").write_text("gone\n")
    again = runner_of(repository, tmp_path / "home")
    assert not again.run_once("brain")
    assert again.problems().startswith("brain: fetch ")
    assert len(shown(again, "brain_agent_info")) == 2
    assert shown(again, "exporter_up") == {'{area="brain",source="brain"}': "0.0"}
    never = runner_of(repository, tmp_path / "another home")
    assert not never.run_once("brain")
    assert never.not_ready() is not None


def rename_branch(repository: Path) -> None:
    pygit2.Repository(str(repository)).branches["main"].rename("trunk")


def remove_configuration(repository: Path) -> None:
    files = ("grok.yaml", "default.yaml", "gimai.yaml", "old.yaml")
    write(repository, {f"config/agents/{name}": None for name in files})


@pytest.mark.parametrize("absence", [rename_branch, remove_configuration], ids=lambda absence: absence.__name__)
def test_a_brain_without_configuration_leaves_the_fleet_as_it_was(
    repository: Path, tmp_path: Path, absence: Callable[[Path], None]
) -> None:
    fleet(repository)
    runner = runner_of(repository, tmp_path / "home")
    runner.run_once("brain")
    before = shown(runner, "brain_agent_info")
    absence(repository)
    for again in (runner, runner_of(repository, tmp_path / "home")):
        assert not again.run_once("brain")
        assert shown(again, "brain_agent_info") == before
        assert shown(again, "exporter_up") == {'{area="brain",source="brain"}': "0.0"}
    never = runner_of(repository, tmp_path / "another home")
    assert not never.run_once("brain")
    assert never.not_ready() is not None
    repository.rename(tmp_path / "renamed")
    fleet(repository)
    assert runner.run_once("brain"), runner.problems()


def test_reports_that_cannot_be_fetched_do_not_hold_up_the_fleet(repository: Path, tmp_path: Path) -> None:
    fleet(repository)
    runner = runner_of(repository, tmp_path / "home")
    runner.run_once("brain")
    write(repository, {"config/agents/new.yaml": b"agent: {}\n"})
    (repository / "refs" / "heads" / "state").write_text("1" * 40 + "\n")
    assert not runner.run_once("brain")
    assert runner.problems().startswith("brain: fetch state of ")
    assert '{agent="new",role="agent"}' in shown(runner, "brain_agent_info")


def test_a_folder_of_reports_that_is_too_large_costs_itself(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet(repository)
    monkeypatch.setattr("nervesys.stores.trees.FOLDER_BYTES", 1000)
    write(repository, {f"state/{number}_last_status.json": b"{}" for number in range(50)}, branch="state")
    runner = runner_of(repository, tmp_path / "home")
    assert runner.run_once("brain"), runner.problems()
    assert shown(runner, "exporter_rejected_objects_total")['{reason="too_large",source="brain"}'] == "1.0"
    assert len(shown(runner, "brain_agent_info")) == 2
    assert len(shown(runner, "brain_error_log_lines")) == 2


def test_of_many_changes_the_newest_are_shown(repository: Path, tmp_path: Path) -> None:
    for number in range(60):
        write(repository, {"config/thresholds.yaml": b"# %d\n" % number}, when=NOON + number)
    runner = runner_of(repository, tmp_path / "home")
    runner.run_once("brain")
    times = sorted(int(value) for value in shown(runner, "brain_config_change_timestamp_seconds").values())
    assert times == list(range(NOON + 10, NOON + 60))
    assert shown(runner, "brain_commits") == {"": "60"}


def test_a_long_reason_of_a_change_ends_in_an_ellipsis(repository: Path, tmp_path: Path) -> None:
    write(repository, {"config/thresholds.yaml": b"# a\n"}, message="Because " + "of this and that, " * 9)
    runner = runner_of(repository, tmp_path / "home")
    runner.run_once("brain")
    (labels,) = shown(runner, "brain_config_change_timestamp_seconds")
    assert 'subject="Because of this and that, of this and that, of this and that, o…"' in labels


def test_a_plain_folder_shows_its_fleet(tmp_path: Path) -> None:
    file = tmp_path / "brain" / "config" / "agents" / "grok.yaml"
    file.parent.mkdir(parents=True)
    file.write_bytes(GROK)
    runner = runner_of(tmp_path / "brain", tmp_path / "home")
    assert runner.run_once("brain"), runner.problems()
    assert list(shown(runner, "brain_agent_info")) == ['{agent="grok",role="research"}']
    file.write_bytes(GROK.replace(b"research", b"rest"))
    runner.run_once("brain")
    assert list(shown(runner, "brain_agent_info")) == ['{agent="grok",role="rest"}']
