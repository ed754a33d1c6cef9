"""The style sheet and the script of pages: joined from their parts, with what a browser checks them by."""

import hashlib
from base64 import b64encode
from functools import cache
from importlib.resources import files

SCRIPTS = ("uplot/uPlot.iife.min.js", "format.js", "graph.js", "timeline.js", "chart.js", "page.js")
"""In the order in which they run."""
STYLES = ("uplot/uPlot.min.css", "chart.css")
"""Of graphs, on pages of any kind."""


@cache
def script() -> str:
    """The script that draws graphs, answers pointer and keyboard, and refreshes live pages."""
    return "".join(_text(name) for name in SCRIPTS)


@cache
def chart_style() -> str:
    """The style sheet of graphs."""
    return "".join(_text(name) for name in STYLES)


def version(text: str) -> str:
    """Changes with a file's content, so that browsers may keep the file for ever under an address that has it."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def inline_policy(style_sheet: str) -> str:
    """The Content Security Policy of a self-contained file: only this style sheet and the script, by their hash."""
    style, code = (f"'sha256-{_hash(text)}'" for text in (style_sheet, script()))
    return f"default-src 'none'; style-src {style}; script-src {code}; img-src data:"


def _hash(text: str) -> str:
    return b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _text(name: str) -> str:
    return files("reports").joinpath("page", name).read_text()
