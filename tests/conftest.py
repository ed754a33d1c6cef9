"""Shared by all tests: an environment without surprises."""

import os

import pytest


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, credential or setting of this machine reaches a test."""
    for name in list(os.environ):
        if name.startswith(
            ("NERVESYS_", "STORJ_", "GDRIVE_", "GITHUB_", "AWS_", "DASHSCOPE_")
        ) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
