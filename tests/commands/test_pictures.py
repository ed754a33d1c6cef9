"""The pictures of the documentation: each one that it shows can be made, and each that lies there is shown."""

import re
from pathlib import Path

from dashboards.build import pages
from nervesys.settings import load

DOCS = Path(__file__).parents[2] / "docs"
MOST_BYTES = 400_000


def shown() -> set[str]:
    """Pictures that pages of the documentation show, by their paths below its folder of pictures."""
    texts = [path.read_text() for path in DOCS.rglob("*.md")]
    return {name for text in texts for name in re.findall(r"\]\((?:\.\./)*images/(\S+\.png)\)", text)}


def test_every_dashboard_is_shown_and_nothing_lies_there_unseen() -> None:
    there = {str(path.relative_to(DOCS / "images")) for path in (DOCS / "images").rglob("*.png")}
    assert {f"dashboards/{page['uid']}.png" for page in pages(load())} <= there
    assert shown() == there


def test_pictures_are_small() -> None:
    assert [path.name for path in DOCS.rglob("*.png") if path.stat().st_size > MOST_BYTES] == []
