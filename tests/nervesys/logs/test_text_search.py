"""Regular expressions that are wrong, large or hostile."""

import pytest

from nervesys.logs.text_search import SEARCHED_CHARACTERS, BadPattern, TextSearch


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("a(b", "unclosed group"),
        ("(?=a)", "look-around"),
        (r"(a)\1", "backreferences"),
        (r"(\w{1,30}){1,300}", "size limit"),
        ("a" * 1001, "1000 characters"),
        ("[z-a]", "invalid character class range"),
    ],
)
def test_a_wrong_pattern_is_explained(pattern: str, words: str) -> None:
    with pytest.raises(BadPattern, match=words):
        TextSearch(pattern)


@pytest.mark.parametrize("pattern", ["((a+)+)+b", "(a|a)*b", "(.*a){12}b", "(a?){50}a{50}b"])
def test_patterns_that_take_exponential_time_elsewhere_take_linear_time(pattern: str) -> None:
    assert not TextSearch(pattern).finds("a" * 2 * SEARCHED_CHARACTERS)


def test_whole_texts_and_small_letters_are_options() -> None:
    assert TextSearch("b").finds("abc")
    assert not TextSearch("b", whole=True).finds("abc")
    assert not TextSearch("b|c", whole=True).finds("bc")
    assert TextSearch("B", ignore_case=True).finds("abc")
