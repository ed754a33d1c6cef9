"""The reference pages say what the code says now.

Covers: commands.docs.
"""

from pathlib import Path
from typing import get_args

import pytest

from alerting.drivers import Drivers
from commands.docs import pages

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PAGES = pages()


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_page_is_fresh(name: str) -> None:
    assert (REFERENCE / name).read_text() == PAGES[name], "stale: make generate"


def test_every_key_of_every_driver_stands_in_it() -> None:
    keys = [
        f"`drivers.{name}.{item.alias or key}`"
        for name, field in Drivers.model_fields.items()
        for model in get_args(field.annotation)
        if model is not type(None)
        for key, item in model.model_fields.items()
    ]
    assert len(keys) > len(Drivers.model_fields)
    assert [key for key in keys if key not in PAGES["configuration.md"]] == []
