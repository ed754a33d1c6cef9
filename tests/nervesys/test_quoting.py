"""Values in quotes."""

from nervesys.quoting import escape_quoted


def test_quotes_backslashes_and_line_breaks_are_escaped() -> None:
    assert escape_quoted('a "b" \\n\n') == r"a \"b\" \\n\n"
