"""`nervesys history backfill`, with the real promtool, Prometheus and VictoriaMetrics; numbers are counted by hand.

Covers: commands.history, exporters.history.blocks, exporters.history.live, exporters.history.plan,
exporters.history.progress, exporters.history.push, exporters.history.run, exporters.history.summaries,
exporters.history.targets.
"""

import gzip
import json
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
import requests
from rich.console import Console

from commands import up
from nervesys.clients.prometheus import Prometheus
from nervesys.clock import system_clock
from nervesys.contract.times import DAY_SECONDS, parse_time, utc
from nervesys.settings import shipped_root
from nervesys.stack.layout import Service, Stack
from nervesys.stack.programs import ProgramMissing
from tests.brains import write as commit
from tests.commands.conftest import Run
from tests.exporters.history.kit import CATEGORIES, LINES, SERVERS, lay, naive, path_of, record, write
from tests.servers.prometheus import PROGRAMS, make_blocks, prometheus
from tests.servers.victoria import victoria

DAYS = 8
FIRST = utc(system_clock()).date() - timedelta(days=90)
LIVE = FIRST + timedelta(days=DAYS)
A_DAY = len(SERVERS) * len(CATEGORIES) * LINES
NOWHERE = "http://127.0.0.1:1"


def midnight(day: date) -> float:
    return parse_time(day.isoformat())


@dataclass
class BackfillSetup:
    """An archive of some days, and a Prometheus that scrapes since the day after them."""

    folder: Path
    run: Run

    def __post_init__(self) -> None:
        lay(self.archive, FIRST, DAYS)
        (self.folder / "home").mkdir()
        (self.folder / "home/programs").symlink_to(PROGRAMS)

    @property
    def archive(self) -> Path:
        return self.folder / "archive"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def blocks(self) -> set[str]:
        return {path.parent.name for path in self.data.glob("*/meta.json")}

    def options(self, *more: str, workers: int = 1) -> tuple[str, ...]:
        places = ("--home", str(self.folder / "home"), "--archive", self.archive.as_uri())
        return ("history", "backfill", *places, "--workers", str(workers), *more)

    def backfill(self, *more: str, code: int = 0) -> str:
        with prometheus(self.folder, self.data) as url:
            ran = self.run(*self.options("--prometheus", url, *more))
        assert ran.code == code, ran
        return ran.out + ran.err

    def asked(self) -> Iterator[Prometheus]:
        with prometheus(self.folder, self.data) as url:
            yield Prometheus(url)


@pytest.fixture
def setup(tmp_path: Path, run: Run) -> BackfillSetup:
    up = 'nervesys_exporter_up{job="store",instance="a:1",source="store",area="logs"}'
    times = range(int(midnight(LIVE)) + 300, int(midnight(LIVE)) + 7200, 15)
    make_blocks("".join(f"{up} 1 {at}\n" for at in times) + "# EOF\n", tmp_path)
    return BackfillSetup(tmp_path, run)


def increases(asked: Prometheus, selector: str, by: str = "agent", days: int = DAYS) -> dict[str, float]:
    """Of all days, by a label: windows end at the last second of a day, from which nothing is left to guess."""
    expr = f"sum by ({by}) (increase({selector}[1d]))"
    total: defaultdict[str, float] = defaultdict(float)
    first = midnight(FIRST) + DAY_SECONDS - 1
    for series in asked.range(expr, first, first + (days - 1) * DAY_SECONDS, DAY_SECONDS):
        total[series.labels[by]] += sum(value for _, value in series.points)
    return total


def assert_as_counted(asked: Prometheus, archive: Path) -> None:
    for what, selector in {
        "records": "nervesys_log_records_total",
        "tokens": "nervesys_log_tokens_total",
        "seconds": "nervesys_log_action_duration_seconds_sum",
        "minute": 'nervesys_log_action_duration_seconds_bucket{le="60"}',
    }.items():
        assert increases(asked, selector) == pytest.approx(naive(archive, what), rel=1e-4), what


def test_months_are_as_counted_by_hand_and_live_data_goes_on_from_there(setup: BackfillSetup) -> None:
    output = setup.backfill()
    assert f"to convert: {DAYS * 6} files" in output
    assert f"history ends at {LIVE} 00:00 UTC" in output
    assert f"converted: {DAYS * 6} files, {DAYS * A_DAY} records" in output
    for asked in setup.asked():
        assert_as_counted(asked, setup.archive)
        (days,) = asked.range(
            "sum(increase(nervesys_log_records_total[1d]))",
            midnight(FIRST) + DAY_SECONDS,
            midnight(LIVE) + DAY_SECONDS,
            DAY_SECONDS,
        )
        assert [round(value) for _, value in days.points] == [A_DAY] * DAYS + [0][: len(days.points) - DAYS]
        assert asked.instant("nervesys_log_records_total", midnight(LIVE) + 3600) == []
        (error_rate,) = asked.instant(
            'sum(rate(nervesys_log_records_total{level="ERROR"}[40m]))', midnight(FIRST) + 43_000
        )
        assert error_rate.points[0][1] >= 0, "four shipments' window finds two samples"


def test_a_second_run_adds_only_what_is_new(setup: BackfillSetup) -> None:
    setup.backfill()
    before = setup.blocks
    output = setup.backfill()
    assert ("to convert: 0 files" in output, f"already converted: {DAYS * 6} files" in output) == (True, True)
    assert setup.blocks == before
    lay(setup.archive, FIRST, 2, servers=("late.example.com",))
    grown = path_of(setup.archive, SERVERS[0], FIRST, "errors")
    records = [record(FIRST, "errors", f"{SERVERS[0]} {FIRST} {n}") for n in range(LINES)]
    write(grown, [*records, record(FIRST, "errors", "late")])
    output = setup.backfill()
    assert "to convert: 7 files" in output
    assert f"converted: 7 files, {6 * LINES + 1} records" in output
    for asked in setup.asked():
        assert_as_counted(asked, setup.archive)


def test_daily_summaries_of_the_brain_are_samples_of_the_next_day(setup: BackfillSetup) -> None:
    brain = setup.folder / "brain.git"
    commit(brain, {"config/agents/default.yaml": b"{}"})
    bodies = {
        FIRST + timedelta(days=number): {"agents": 2, "tokens_used": 10 * number, "tasks": {"completed": number}}
        for number in range(4)
    }
    files = {
        f"metrics/daily/{day}.json": json.dumps(body | {"date": str(day)}).encode() for day, body in bodies.items()
    }
    commit(brain, {**files, f"metrics/daily/{LIVE}.json": b"{", "metrics/daily/readme.md": b"x"}, branch="state")
    output = setup.backfill("--brain", str(brain))
    assert f"to convert: {DAYS * 6 + 4} files" in output
    for asked in setup.asked():
        noons = [midnight(day) + 1.5 * DAY_SECONDS for day in bodies]
        found = asked.range(
            "max(last_over_time(nervesys_brain_daily_summary_tokens[1d]))", noons[0], noons[-1], DAY_SECONDS
        )
        assert [value for _, value in found[0].points] == [0, 10, 20, 30]
        (day,) = asked.instant("max(last_over_time(nervesys_brain_daily_summary_timestamp_seconds[1d]))", noons[2])
        assert day.points[0][1] == midnight(FIRST) + 2 * DAY_SECONDS


def test_a_bad_file_is_named_and_costs_only_itself(setup: BackfillSetup) -> None:
    cut, odd = path_of(setup.archive, SERVERS[0], FIRST, "errors"), path_of(setup.archive, SERVERS[1], FIRST, "system")
    whole = cut.read_bytes()
    cut.write_bytes(whole[:-20])
    write(odd, [record(FIRST, "system", "one"), {"agent_id": "no name"}, record(FIRST, "system", "two")])
    (odd.parent / "notes.txt").write_text("not of the contract")
    output = setup.backfill(code=1)
    assert f"rejected: {cut.relative_to(setup.archive)}: bad_gzip" in output
    assert "skipped: 1 line, bad_value" in output
    assert "notes.txt: bad_key" in output
    cut.write_bytes(whole)
    assert "to convert: 1 file," in setup.backfill(code=1)
    (odd.parent / "notes.txt").unlink()
    write(odd, [record(FIRST, "system", "one"), record(FIRST, "system", "two")])
    for asked in setup.asked():
        assert_as_counted(asked, setup.archive)


def test_what_prometheus_would_delete_at_once_is_not_made(setup: BackfillSetup) -> None:
    kept = (utc(system_clock()).date() - FIRST).days - 3
    with prometheus(setup.folder, setup.data, f"{kept}d") as url:
        output = setup.run(*setup.options("--prometheus", url, "--dry-run")).out
    assert "beyond retention: 24 files of days before" in output
    assert "Dry run: nothing was written." in output
    assert len(setup.blocks) == 1


@pytest.mark.parametrize(
    "sign", [pytest.param("batch-*", id="reads"), pytest.param("batch-*/blocks", id="makes blocks")]
)
def test_killed_while_it_works_it_goes_on_and_makes_nothing_twice(setup: BackfillSetup, sign: str) -> None:
    with prometheus(setup.folder, setup.data) as url:
        command = [sys.executable, "-m", "nervesys", *setup.options("--prometheus", url, workers=2)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            while not list((setup.data / ".nervesys-history").glob(sign)):
                assert run.poll() is None, "it ended before it was killed"
                time.sleep(0.01)
            run.send_signal(signal.SIGKILL)
    setup.backfill()
    assert not list((setup.data / ".nervesys-history").glob("batch-*"))
    assert not list(setup.data.glob("*.tmp*"))
    for asked in setup.asked():
        assert_as_counted(asked, setup.archive)
        (points,) = asked.instant(
            "max(count_over_time(nervesys_log_records_total[1d]))", midnight(FIRST) + DAY_SECONDS - 1
        )
        assert points.points[0][1] == 73


@pytest.mark.parametrize("megabytes", [pytest.param(1, id="for samples"), pytest.param(64, id="for promtool's block")])
def test_a_full_disk_is_an_error_and_leaves_nothing_incomplete(tmp_path: Path, megabytes: int) -> None:
    small = tmp_path / "small"
    small.mkdir()
    command = BackfillSetup(tmp_path, lambda: None).options(  # type: ignore[arg-type,return-value]  # it is run elsewhere
        "--into", str(small), "--to", str(LIVE), "--prometheus", NOWHERE
    )
    mounted = 'small=$2; mount -t tmpfs -o size=$1m tmpfs "$small" || exit 77; shift 2'
    script = f'{mounted}; "$@"; code=$?; find "$small"; exit $code'
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", str(megabytes), str(small)]
    ran = subprocess.run(
        [*unshare, sys.executable, "-m", "nervesys", *command], capture_output=True, text=True, timeout=120
    )
    if ran.returncode == 77:
        pytest.skip("this machine lets nobody mount in a namespace of their own")
    assert ran.returncode == 1
    assert "no space left on" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ("batch-" in ran.stdout, "meta.json" in ran.stdout) == (False, False)


def test_history_may_be_pushed_elsewhere(setup: BackfillSetup) -> None:
    try:
        with victoria(setup.folder) as url:
            endpoint = f"{url}/api/v1/import/prometheus"
            options = setup.options("--push", endpoint, "--to", str(LIVE - timedelta(days=1)))
            output = setup.run(*options)
            assert f"converted: {DAYS * 6} files" in output.out, output
            assert "to convert: 0 files" in setup.run(*options).out
            requests.get(f"{url}/internal/force_flush", timeout=10)
            asked = Prometheus(url)
            assert increases(asked, "nervesys_log_records_total") == naive(setup.archive, "records")
            assert increases(asked, "nervesys_log_tokens_total") == naive(setup.archive, "tokens")
            next((setup.folder / "home/history").iterdir()).unlink()  # as if killed before it was remembered
            assert f"converted: {DAYS * 6} files" in setup.run(*options).out
            requests.get(f"{url}/internal/force_flush", timeout=10)
            assert increases(asked, "nervesys_log_records_total") == naive(setup.archive, "records")
    except ProgramMissing as err:
        pytest.skip(str(err))


def test_a_store_with_a_shorter_retention_is_an_error(setup: BackfillSetup) -> None:
    try:
        with victoria(setup.folder, retention="1") as url:
            options = setup.options("--push", f"{url}/api/v1/import/prometheus", "--to", str(FIRST))
            ran = setup.run(*options)
    except ProgramMissing as err:
        pytest.skip(str(err))
    assert (ran.code, "raise its -retentionPeriod" in ran.err) == (1, True)


def own_stack(setup: BackfillSetup, prometheus_address: str, backfill: str) -> Stack:
    """A stack that watches a fleet of one's own, whose Prometheus runs."""
    (setup.folder / "home/prometheus").symlink_to(setup.data)
    brain = setup.folder / "brain"
    shutil.copytree(shipped_root() / "config", brain / "config")
    (brain / "config/profiles/own.yaml").write_text(f"monitoring: {{history: {{backfill: {backfill}}}}}\n")
    environ = {
        "NERVESYS_HOME": str(setup.folder / "home"),
        "NERVESYS_BRAIN": str(brain),
        "NERVESYS_PROFILE": "own",
        "NERVESYS_ARCHIVE": setup.archive.as_uri(),
    }
    services = (Service(name="prometheus", about="", argv=(), address=prometheus_address),)
    return Stack(home=setup.folder / "home", socket=setup.folder / "socket", environ=environ, services=services)


def start(stack: Stack, capsys: pytest.CaptureFixture[str]) -> str:
    up._backfill(Console(width=200), stack)
    return capsys.readouterr().out


def test_at_start_what_is_new_is_converted_once(setup: BackfillSetup, capsys: pytest.CaptureFixture[str]) -> None:
    with prometheus(setup.folder, setup.data) as url:
        stack = own_stack(setup, url.removeprefix("http://"), "at_start")
        output = start(stack, capsys)
        assert f"converted: {DAYS * 6} files, {DAYS * A_DAY} records" in output
        before = setup.blocks
        assert "converted" not in start(stack, capsys)
        assert setup.blocks == before
    for asked in setup.asked():
        assert_as_counted(asked, setup.archive)


def test_a_start_does_not_fail_with_the_backfill_and_does_none_that_is_not_asked_for(
    setup: BackfillSetup, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = own_stack(setup, "127.0.0.1:1", "at_start")
    output = start(stack, capsys)
    assert "history was not backfilled" in output
    assert "nervesys history backfill" in output.replace("python -m ", "")
    (setup.folder / "brain/config/profiles/own.yaml").write_text("{}\n")
    assert start(stack, capsys) == ""
    assert len(setup.blocks) == 1


def test_compose_does_as_the_setting_says_and_never_fails(
    setup: BackfillSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NERVESYS_PROFILE", "own")
    own_stack(setup, "", "at_start")
    text = setup.folder / "text"
    argv = ("--at-start", "--text", str(text), "--brain", str(setup.folder / "brain"))
    assert "history was not backfilled" in setup.run(*setup.options(*argv, "--prometheus", NOWHERE)).out
    assert f"converted: {DAYS * 6} files" in setup.backfill(*argv)
    assert len(list(text.glob("*.om.gz"))) > 0
    (setup.folder / "brain/config/profiles/own.yaml").write_text("{}\n")
    ran = setup.run(*setup.options(*argv, "--prometheus", NOWHERE))
    assert (ran.code, "nothing to do" in ran.out) == (0, True)


def test_files_may_be_written_for_a_promtool_elsewhere(setup: BackfillSetup) -> None:
    text = setup.folder / "text"
    assert f"converted: {DAYS * 6} files" in setup.backfill("--text", str(text))
    assert "to convert: 0 files" in setup.backfill("--text", str(text))
    lines = b"".join(gzip.decompress(path.read_bytes()) for path in text.glob("*.om.gz")).splitlines()
    assert sum(line.startswith(b"nervesys_log_records_total{") for line in lines) > DAYS * 73
    both = ("--text", str(text), "--into", str(text), "--to", str(FIRST), "--prometheus", NOWHERE)
    assert "use one of" in setup.run(*setup.options(*both)).err


@pytest.mark.parametrize(
    ("output", "code", "words"),
    [
        (("--prometheus", NOWHERE), 1, "start it, because history ends where its own data begins"),
        (("--push", "http://me:secret@host/api/v1/import/prometheus"), 2, "~/.netrc"),
        (("--push", "host:8428"), 2, "not a URL"),
        (("--from", "2026-02-30"), 2, "not a date"),
        (("--push", f"{NOWHERE}/api/v1/import/prometheus", "--to", str(FIRST)), 1, "cannot connect"),
    ],
)
def test_wrong_use_is_an_error(setup: BackfillSetup, output: tuple[str, ...], code: int, words: str) -> None:
    ran = setup.run(*setup.options(*output))
    assert (ran.code, words in " ".join((ran.out + ran.err).split()), "Traceback" in ran.err) == (code, True, False)
