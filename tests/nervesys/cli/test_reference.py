"""The reference pages say what the code says now."""

from pathlib import Path

import pytest

from nervesys.cli.docs import pages

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
PAGES = pages()


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_page_is_fresh(name: str) -> None:
    assert (REFERENCE / name).read_text() == PAGES[name], "stale: make generate"
