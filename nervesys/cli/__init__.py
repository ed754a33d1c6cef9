"""The command line `nervesys`: the one place that composes the wings."""

from nervesys.cli.main import main

__all__ = ["main"]
