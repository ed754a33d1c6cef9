"""Shared by all tests: an environment without surprises."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nervesys.stack.programs import find

PROGRAMS = Path(__file__).parent.parent / ".nervesys" / "programs"


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, credential or setting of this machine reaches a test."""
    for name in list(os.environ):
        if name.startswith(
            ("NERVESYS_", "STORJ_", "GDRIVE_", "GITHUB_", "AWS_", "DASHSCOPE_")
        ) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """Path of a real program, such as `program("promtool")`; fetched once for all checkout's tests."""
    return lambda name: str(find(name, PROGRAMS))
