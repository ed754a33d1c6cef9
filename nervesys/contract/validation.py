"""The errors of pydantic in plain words: what a value must be. The value itself is never quoted."""

import re
from typing import Any

from pydantic import AfterValidator, ValidationError
from pydantic_core import ErrorDetails

WORDS = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping of keys to values",
    "extra_forbidden": "unknown key",
    "finite_number": "must be a finite number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "json_invalid": "is not JSON",
    "list_type": "must be a list",
    "mapping_type": "must be a mapping of keys to values",
    "missing": "is missing",
    "model_attributes_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "none_required": "must be empty",
    "set_type": "must be a list",
    "string_type": "must be text; a number or a date that is meant as text needs quotes",
    "string_unicode": "must be text",
    "timezone_aware": "needs an offset, such as 2027-01-15T22:00:00Z",
    "timezone_naive": "must have no offset",
    "tuple_type": "must be a list",
    "union_tag_not_found": "needs a key that names its kind",
}
"""By pydantic's type of error (https://docs.pydantic.dev/latest/errors/validation_errors/)."""


def describe_error(error: ErrorDetails) -> str:
    """What is wrong with one value, in words.

    Args:
        error: of `ValidationError.errors`; its input and URL are not used.
    """
    kind, context = error["type"], error.get("ctx", {})
    if kind == "union_tag_invalid":
        return f"{_key(context)} must be {' or '.join(_listed(context['expected_tags']))}"
    if kind == "union_tag_not_found" and context:
        return f"{_key(context)} is missing"
    if kind == "string_pattern_mismatch":
        return f"must have the form {context['pattern']}"
    if kind.startswith(("datetime_", "date_")):
        return "must be a date or time, such as 2027-01-15 or 2027-01-15T22:00:00Z"
    message = re.sub(r"^(Input|Value|String|Tuple|List|Dictionary) should ", "must ", error["msg"])
    return WORDS.get(kind) or message.removeprefix("Value error, ")


def first_problem(err: ValidationError) -> tuple[str, str]:
    """The dotted path of the first wrong value (empty for the whole), and what is wrong with it."""
    first = err.errors(include_url=False, include_input=False)[0]
    return ".".join(map(str, first["loc"])), describe_error(first)


def text_form(pattern: str, words: str) -> AfterValidator:
    """A validator of text, whose error says in words what `StringConstraints(pattern=…)` says by the expression.

    Args:
        pattern: of the whole text.
        words: what it must be, such as `must be OWNER/NAME`.
    """
    expression = re.compile(pattern)

    def check(text: str) -> str:
        if not expression.fullmatch(text):
            raise ValueError(words)
        return text

    return AfterValidator(check)


def _key(context: dict[str, Any]) -> str:
    return str(context.get("discriminator", "kind")).strip("'")


def _listed(tags: str) -> list[str]:
    return [tag.strip() for tag in tags.split(",")]
