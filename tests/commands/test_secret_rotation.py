"""`nervesys secrets rotate`: what is due is replaced, nothing secret is printed, and others' secrets get their steps.

Covers: commands.secrets.
"""

import os
from pathlib import Path

import pytest

from tests.commands.conftest import Run

OLD = "the-old-secret-of-a-listener"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    tokens = tmp_path / "secrets/artifacts"
    tokens.mkdir(parents=True)
    password = tmp_path / "secrets/supervisor_password"
    receiver = f"drivers: {{supervisor: {{url: unix:///run/s.sock, servers: ['*'], password_file: {password}}}}}\n"
    (tmp_path / "receiver.yaml").write_text(receiver)
    for path in (tmp_path / "secrets/receiver_token", tokens / "grok", password, tmp_path / "secrets/store_secret_key"):
        path.write_text(OLD)
    for name in ("receiver_token", "store_secret_key"):
        os.utime(tmp_path / "secrets" / name, (0, 0))
    return tmp_path


def texts(home: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (home / "secrets").rglob("[a-z]*") if path.is_file()}


def test_a_dry_run_changes_nothing_and_due_ones_are_replaced(run: Run, home: Path) -> None:
    shown = run("secrets", "rotate", "--dry-run", "--home", str(home)).out
    assert [line.split(",")[0] for line in shown.splitlines() if line.startswith("would")] == [
        "would replace receiver_token",
        "would replace artifacts/grok",
        "would replace supervisor/supervisor",
    ]
    assert "due store_secret_key" in shown
    assert "issued by others" in shown
    assert set(texts(home).values()) == {OLD}
    ran = run("secrets", "rotate", "--due", "--home", str(home))
    after = texts(home)
    assert ran.code == 0
    assert [name for name, text in after.items() if text != OLD] == ["receiver_token"]
    assert after["receiver_token"] not in ran.out + ran.err
    assert "the old one is accepted for 24 hours" in ran.out
    assert run("secrets", "rotate", "--due", "--home", str(home)).out.startswith("No secret of ours is due.")


def test_named_ones_are_replaced_and_wrong_names_explained(run: Run, home: Path) -> None:
    assert run("secrets", "rotate", "supervisor/supervisor", "--home", str(home)).code == 0
    assert [name for name, text in texts(home).items() if text != OLD] == ["supervisor_password"]
    unknown = run("secrets", "rotate", "receiver", "--home", str(home))
    assert unknown.code == 2
    assert "receiver_token" in unknown.err
    foreign = run("secrets", "rotate", "store_secret_key", "--home", str(home))
    assert foreign.code == 2
    assert "issued by others" in " ".join(foreign.err.replace("│", "").split())


def test_the_receivers_file_may_lie_elsewhere_and_names_the_key_of_approvals(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("receiver_token", "approval_key"):
        (tmp_path / name).write_text(OLD)
    file = tmp_path / "elsewhere.yaml"
    file.write_text(f"token_file: {tmp_path}/receiver_token\napprovals: {{secrets_folder: {tmp_path}}}\n")
    monkeypatch.setenv("NERVESYS_RECEIVER_FILE", str(file))
    shown = run("secrets", "rotate", "--dry-run", "--home", str(tmp_path / "home")).out
    assert "would replace receiver_token" in shown
    assert "would replace approval_key" in shown
