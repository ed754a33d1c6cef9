"""The reference pages say what the code says now.

Covers: commands.docs.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from alerting.drivers import Drivers
from commands.docs import pages

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PAGES = pages()


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_page_is_fresh(name: str) -> None:
    assert (REFERENCE / name).read_text() == PAGES[name], "stale: make generate"


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in an annotation, such as one instance of a driver."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models(part)


def test_every_key_of_every_driver_stands_in_it() -> None:
    keys = [
        f"`drivers.{name}.{item.alias or key}`"
        for name, field in Drivers.model_fields.items()
        for model in models(field.annotation)
        for key, item in model.model_fields.items()
    ]
    assert len(keys) > len(Drivers.model_fields)
    assert [key for key in keys if key not in PAGES["configuration.md"]] == []
