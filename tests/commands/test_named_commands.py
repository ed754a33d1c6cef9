"""Every command that a message, a comment or a page of the docs names can be typed."""

import re
from collections.abc import Iterator
from pathlib import Path

from commands.logs import ShowByDefault
from commands.root import COMMANDS, load_command

ROOT = Path(__file__).parents[2]
FOLDERS = ("alerting", "commands", "config", "dashboards", "docs", "exporters", "nervesys", "reports", "scripts")
NAMED = re.compile(r"nervesys ([a-z][a-z-]*) ([a-z][a-z-]*)")


def test_named_subcommands_exist() -> None:
    unknown = {(place, command, word) for place, command, word in _named() if not _exists(command, word)}
    assert unknown == set()


def _named() -> Iterator[tuple[str, str, str]]:
    """Each place, a command of ours that it names, and the word after it."""
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".html", ".md", ".py", ".sh", ".yaml"}:
                for command, word in NAMED.findall(path.read_text()):
                    if command in COMMANDS:
                        yield str(path.relative_to(ROOT)), command, word


def _exists(name: str, word: str) -> bool:
    """Whether a word may follow a command: as one of its subcommands, or as an argument of one that has none."""
    command = load_command(name)
    return isinstance(command, ShowByDefault) or word in getattr(command, "commands", [word])
