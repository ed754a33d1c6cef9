"""Brains made on the spot."""

from collections.abc import Callable
from pathlib import Path

import pytest

from nervesys.settings import FolderTree

MakeBrain = Callable[..., FolderTree]
PLAN = Path(__file__).parent / "brains/plan"
"""A brain of the three files that the plan shows, word for word."""


@pytest.fixture
def brain(tmp_path: Path) -> MakeBrain:
    """Makes a brain from files of `config/`, by name without suffix, such as `storage` or `agents/grok`."""

    def make(**files: str) -> FolderTree:
        for name, text in files.items():
            path = tmp_path / "config" / f"{name.replace('__', '/')}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return FolderTree(tmp_path)

    return make
