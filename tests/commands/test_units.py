"""`nervesys units`: the units of a home, written once and kept up to date."""

from pathlib import Path

from tests.commands.conftest import Run


def test_units_are_written_and_then_up_to_date(run: Run, tmp_path: Path) -> None:
    words = ("units", "--out", str(tmp_path / "units"), "--home", str(tmp_path / "home"), "--user", "watcher")
    written = run(*words)
    assert written.code == 0, written.err
    assert "systemctl enable --now nervesys.target" in written.out
    receiver = (tmp_path / "units/nervesys-receiver.service").read_text()
    assert "User=watcher" in receiver
    assert f"NERVESYS_HOME={tmp_path}/home" in receiver
    assert run(*words, "--check").code == 0
    (tmp_path / "units/nervesys-receiver.service").write_text("")
    assert run(*words, "--check").code == 1
