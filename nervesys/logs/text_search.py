"""Regular expressions whose time is linear in the text, for patterns that somebody else wrote.

They are those of Rust's `regex`, which pydantic-core has: without backreferences and look-around, and with a limit of
10 MiB for what a pattern compiles to.
"""

from pydantic_core import SchemaError, SchemaValidator, core_schema

PATTERN_CHARACTERS = 1000
SEARCHED_CHARACTERS = 65_536
"""Of one text; agents ship no longer records."""


class BadPattern(ValueError):
    """A pattern that is not a regular expression, or is too large."""


class TextSearch:
    """A compiled pattern.

    Args:
        pattern: the regular expression.
        ignore_case: whether capitals match small letters.
        whole: whether it must match the whole text.

    Raises:
        BadPattern: it is wrong; the message says how.
    """

    def __init__(self, pattern: str, *, ignore_case: bool = False, whole: bool = False) -> None:
        if len(pattern) > PATTERN_CHARACTERS:
            raise BadPattern(f"the pattern has more than {PATTERN_CHARACTERS} characters")
        self.pattern = pattern
        expression = f"^(?:{pattern})$" if whole else pattern
        flags = "(?is)" if ignore_case else "(?s)" if whole else ""
        try:
            self._search = SchemaValidator(core_schema.str_schema(pattern=flags + expression)).isinstance_python
        except SchemaError as err:
            raise BadPattern(_reason(str(err))) from None

    def finds(self, text: str) -> bool:
        """Whether the text matches."""
        return self._search(text[:SEARCHED_CHARACTERS])


def _reason(message: str) -> str:
    """The last line of the error, which names the mistake."""
    return message.strip().splitlines()[-1].strip().removeprefix("error: ").rstrip(".")
