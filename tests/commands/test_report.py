"""`nervesys report`, against real pillars: a store, an archive, a repository, a Prometheus."""

from collections.abc import Callable
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest

from nervesys.clock import system_clock
from nervesys.contract.times import utc
from nervesys.stores.folder import FolderArchive
from reports.periodic.period import Frequency, ReportPeriod
from tests.commands.conftest import CommandResult, Run
from tests.reports.periodic.conftest import World, world
from tests.reports.periodic.fleet_data import TUESDAY
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY
from tests.servers.smtp import PASSWORD, USER, mail_server

__all__ = ["world"]

DAILY, WEEKLY = "Reports/Daily/2026-03-10_summary", "Reports/Weekly/2026/week_11"
FORMS = ("pdf", "html", "xlsx")
Report = Callable[..., CommandResult]


@pytest.fixture
def report(run: Run, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Report:
    """Runs the command where the fleet's pillars are named."""
    environ = {
        "STORJ_ENDPOINT": world.endpoint,
        "STORJ_ACCESS_KEY": ACCESS_KEY,
        "STORJ_SECRET_KEY": SECRET_KEY,
        "NERVESYS_ARCHIVE": (world.folder / "archive").as_uri(),
        "NERVESYS_BRAIN": str(world.folder / "brain.git"),
        "NERVESYS_HOME": str(tmp_path / "home"),
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return lambda *argv: run("report", *argv, "--prometheus", world.prometheus)


def lying(world: World) -> list[str]:
    archive = world.folder / "archive"
    return sorted(str(path.relative_to(archive)) for path in archive.rglob("Reports/**/*") if path.is_file())


def test_it_goes_to_the_archive_and_made_twice_it_replaces_itself(report: Report, world: World) -> None:
    ran = report("daily", "--date", str(TUESDAY))
    assert ran.code == 0, ran.err
    assert [f"written to the archive as {DAILY}.{form}" in ran.out for form in FORMS] == [True] * 3
    files = [world.folder / "archive" / f"{DAILY}.{form}" for form in FORMS]
    assert [file.read_bytes()[:4] for file in files] == [b"%PDF", b"<!do", b"PK\x03\x04"]
    assert b"grok for 26 min" in files[1].read_bytes()

    files[0].write_bytes(b"an older message")
    assert report("daily", "--date", str(TUESDAY)).code == 0
    assert files[0].read_bytes()[:4] == b"%PDF"
    assert report("weekly", "--date", str(TUESDAY), "--format", "html").code == 0
    assert lying(world) == sorted([*(f"{DAILY}.{form}" for form in FORMS), f"{WEEKLY}.html"])


def test_it_goes_to_a_folder_too(report: Report, tmp_path: Path) -> None:
    ran = report("monthly", "--date", str(TUESDAY), "--format", "html,xlsx", "--out", str(tmp_path / "out"))
    assert ran.code == 0, ran.err
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "monthly-2026-03.html",
        "monthly-2026-03.xlsx",
    ]


def test_a_day_without_data_gives_a_report_that_says_so(report: Report, tmp_path: Path) -> None:
    ran = report("daily", "--date", "2025-01-01", "--out", str(tmp_path))
    assert ran.code == 0, ran.err
    text = (tmp_path / "daily-2025-01-01.html").read_text()
    for words in (
        "Unknown: Prometheus has no data about the agents for this period.",
        "Unknown: Prometheus has no record of evaluated alerts.",
        "No action was taken.",
        "Prometheus has no alerts for this period.",
        "No error was logged.",
        "No task was logged.",
        "No token usage was logged.",
        "The store and the archive were not measured in this period.",
        "The configuration did not change.",
        "No language model analysed this period.",
    ):
        assert words in text
    assert (tmp_path / "daily-2025-01-01.pdf").read_bytes().startswith(b"%PDF")


def test_what_is_due_is_made_once_and_mailed(
    report: Report, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "brain/config"
    config.mkdir(parents=True)
    monkeypatch.setenv("NERVESYS_BRAIN", str(tmp_path / "brain"))
    monkeypatch.setenv("NERVESYS_SMTP_PASSWORD", PASSWORD)
    cold = tmp_path / "cold"
    cold.mkdir()
    monkeypatch.setenv("NERVESYS_ARCHIVE", cold.as_uri())
    with mail_server(tmp_path) as box:
        monkeypatch.setenv("SSL_CERT_FILE", str(box.certificate))
        (config / "reports.yaml").write_text(
            f"formats: [pdf]\nmail: {{to: [dana@example.org], host: 127.0.0.1, port: {box.port}, user: {USER}}}\n"
        )
        ran = report("due")
        assert ran.code == 0, ran.err
        assert "no report is due" in report("due").out, "all of them are in the archive"
    today = utc(system_clock()).date()
    names = [ReportPeriod.last_finished(every, today).name for every in Frequency]
    assert [message["Subject"].split(" report")[0] for message in box.taken] == ["Daily", "Weekly", "Monthly"]
    attached = [part.get_filename() for message in box.taken for part in message.iter_attachments()]
    assert attached == [f"{name}.pdf" for name in names]
    assert len(list(cold.rglob("Reports/**/*.pdf"))) == 3


@pytest.mark.parametrize(
    ("argv", "code", "problem"),
    [
        (("daily", "--date", "2026-02-30"), 2, "not a date such as"),
        (("daily", "--date", "2999-01-01"), 2, "is in the future"),
        (("daily", "--format", "docx"), 2, "use one or more of pdf, html, xlsx"),
        (("hourly",), 2, "is not one of"),
        (("due", "--date", "2026-03-10"), 2, "`due` chooses the days"),
        (("daily", "--date", "2026-03-10", "--mail", "--out", "."), 1, "no recipients"),
    ],
)
def test_wrong_use_is_an_error(
    report: Report,
    argv: tuple[str, ...],
    code: int,
    problem: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = report(*argv)
    assert ran.code == code
    assert problem in " ".join(ran.err.replace("│", " ").split())
    assert "Traceback" not in ran.err


def test_without_an_archive_the_error_names_alternatives(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NERVESYS_ARCHIVE")
    ran = report("daily", "--date", str(TUESDAY))
    assert (ran.code, "use --out DIR" in ran.err, ran.out) == (1, True, "")


def test_without_a_prometheus_nothing_is_made(run: Run, report: Report, tmp_path: Path) -> None:
    ran = run("report", "daily", "--prometheus", "http://127.0.0.1:9", "--out", str(tmp_path / "out"))
    assert (ran.code, "query Prometheus at http://127.0.0.1:9: cannot connect" in ran.err) == (1, True)
    assert not (tmp_path / "out").exists()


def test_a_store_that_rejects_the_key_is_an_error(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORJ_SECRET_KEY", "wrong-and-secret")
    ran = report("daily", "--date", str(TUESDAY), "--out", str(tmp_path / "out"))
    assert ran.code == 1
    assert "list db/active_logs/" in ran.err
    assert "wrong-and-secret" not in ran.err + ran.out
    assert not (tmp_path / "out").exists()


def test_what_arrives_damaged_is_no_report(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FolderArchive, "open", lambda *_: BytesIO(b"something else"))
    ran = report("daily", "--date", "2025-01-01")
    assert ran.code == 1
    assert "the stored content differs from what was sent" in ran.err


def test_today_is_reported_as_unfinished(report: Report, tmp_path: Path) -> None:
    today = utc(system_clock()).date()
    assert today > date(2026, 3, 11)
    report("daily", "--date", str(today), "--format", "html", "--out", str(tmp_path))
    assert "This day is not over yet" in (tmp_path / f"daily-{today}.html").read_text()
