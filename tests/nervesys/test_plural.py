"""Numbers with their nouns."""

import pytest

from nervesys.plural import count


@pytest.mark.parametrize(
    ("number", "words", "text"),
    [(0, ("agent",), "0 agents"), (1, ("agent",), "1 agent"), (2, ("process", "processes"), "2 processes")],
)
def test_a_noun_follows_its_number(number: int, words: tuple[str, ...], text: str) -> None:
    assert count(number, *words) == text
