"""The result of a check as JSON, for programs: the same facts that people read."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from nervesys.errors import SettingsError, SettingsProblem
from nervesys.settings import Tree

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@dataclass
class CheckResult:
    """What a check found.

    Attributes:
        revision: of the brain; empty where it is no repository.
        details: further values of the result.
    """

    revision: str = ""
    warnings: Iterable[SettingsProblem] = ()
    details: dict[str, Any] = field(default_factory=dict)


@contextmanager
def checked(as_json: bool) -> Iterator[CheckResult]:
    """Run a check; with JSON, print its result, and exit with 2 on errors.

    Raises:
        SettingsError: as the check raised it, where people read the result.
    """
    result = CheckResult()
    try:
        yield result
    except SettingsError as err:
        if not as_json:
            raise
        _write(result, err.mistakes)
        raise typer.Exit(2) from None
    if as_json:
        _write(result, ())


def revision(tree: Tree) -> str:
    """The version of a brain's files, for people; empty where they are no commit's."""
    commit = getattr(tree, "commit", None)
    return str(getattr(tree, "revision", f"commit {commit[:12]}" if commit else ""))


def _write(result: CheckResult, errors: Iterable[SettingsProblem]) -> None:
    body = {
        "valid": not errors,
        "revision": result.revision,
        "errors": [_entry(problem) for problem in errors],
        "warnings": [_entry(problem) for problem in result.warnings],
        **result.details,
    }
    typer.echo(json.dumps(body, indent=2, ensure_ascii=False))


def _entry(problem: SettingsProblem) -> dict[str, Any]:
    """One problem; file and line apart where it has a line."""
    file, colon, line = problem.where.rpartition(":")
    place: dict[str, Any] = {"file": file, "line": int(line)} if colon and line.isdecimal() else {"file": problem.where}
    return {**place, "key": problem.key, "problem": problem.problem}
