"""`nervesys agent workspace`: versions and differences, on the command line."""

from pathlib import Path

from nervesys.workspace import Workspace
from tests.commands.conftest import Run


def test_versions_are_listed_and_compared(run: Run, tmp_path: Path) -> None:
    with Workspace(tmp_path / "workspace", "apollo", "grok") as workspace:
        first = workspace.files.write("plan.md", "# Plan\nA\n")
        second = workspace.files.write("plan.md", "# Plan\nB\n")
        workspace.files.write("gone.md", "x")
        workspace.files.delete("gone.md")
    home = ("--home", str(tmp_path))

    listed = run("agent", "workspace", "versions", "apollo", "plan.md", *home).out
    assert [line.split()[0] for line in listed.splitlines()] == [first.id, second.id]
    assert "deleted  gone.md" in run("agent", "workspace", "versions", "apollo", *home).out
    shown = run("agent", "workspace", "diff", "apollo", "plan.md", *home).out
    assert shown == f"--- plan.md {first.id}\n+++ plan.md {second.id}\n@@ -1,2 +1,2 @@\n # Plan\n-A\n+B\n"
    assert run("agent", "workspace", "diff", "apollo", "plan.md", first.id, first.id, *home).out == ""

    for words, text in (
        (("diff", "apollo", "none.md"), "there is no such file"),
        (("diff", "apollo", "plan.md", "X"), "it has no version X"),
        (("versions", "none"), "there is no folder"),
    ):
        ran = run("agent", "workspace", *words, *home)
        assert (ran.code, text in ran.err) == (1, True)
