"""The errors of pydantic in plain words: what a value must be. The value itself is never quoted."""

import re
from collections.abc import Collection
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

BOM = b"\xef\xbb\xbf"
_ESCAPED = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
"""An escaped backslash, a pair of surrogates, or (the group) a surrogate alone."""
_ENCODED = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
"""A surrogate in the bytes of UTF-8, where none may be."""


def repair_text(body: bytes) -> bytes:
    """JSON without byte order mark, and with U+FFFD for surrogates that are not in a pair (RFC 8259, 8.1 and 8.2)."""
    body = body.removeprefix(BOM)
    if b"\\u" in body:
        body = _ESCAPED.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)
    return _ENCODED.sub("\N{REPLACEMENT CHARACTER}".encode(), body) if b"\xed" in body else body


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


def leave_out_null(value: Any) -> None:
    """Remove the keys of a JSON value, and of all that it holds, whose value is `null`."""
    below = list(value) if isinstance(value, list) else []
    if isinstance(value, dict):
        for key in [key for key, item in value.items() if item is None]:
            del value[key]
        below = list(value.values())
    for item in below:
        if isinstance(item, dict | list):
            leave_out_null(item)


def leave_out_wrong(value: Any, err: ValidationError, required: Collection[str]) -> bool:
    """Remove from a JSON value what is wrong with it: the innermost, or what lacks it where it is missing.

    Args:
        value: is changed.
        err: of its validation.
        required: fields without which there is no object.

    Returns:
        Whether anything was removed; if not, what is wrong is required.
    """
    errors = err.errors(include_url=False, include_input=False)
    places = {error["loc"][:-1] if error["type"] == "missing" else error["loc"] for error in errors}
    removable = {place for place in places if place and not (len(place) == 1 and place[0] in required)}
    return bool(removable) and all(_remove(value, place) for place in sorted(removable, key=_last_first, reverse=True))


def _last_first(place: tuple[int | str, ...]) -> list[tuple[bool, int, str]]:
    """Sort key: of a list, the last item is removed first, so that the places of others stay."""
    return [(isinstance(part, int), part if isinstance(part, int) else 0, str(part)) for part in place]


def _remove(value: Any, place: tuple[int | str, ...]) -> bool:
    *above, last = place
    try:
        for part in above:
            value = value[part]
        del value[last]
    except (KeyError, IndexError, TypeError):
        return False
    return True


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
