"""Encodes any value as JSON at the moment it is logged; it never raises, so that logging cannot stop a caller."""

from collections.abc import Mapping
from typing import Any

import orjson

DEPTH = 20
"""Of nesting; deeper values are encoded as text."""
BITS = 64
"""Size of the largest whole number that orjson encodes; larger ones are encoded as text."""


def json_object(value: Any) -> str:
    """Encode a mapping as a JSON object, any other value as `{"value": …}`; types unknown to JSON as text."""
    value = value if isinstance(value, dict) else dict(value) if isinstance(value, Mapping) else {"value": value}
    try:
        return orjson.dumps(
            value, default=_as_json_type
        ).decode()  # orjson's bytes object occupies a kilobyte, however short
    except TypeError:  # a key that is not a string, a number too large, a lone surrogate, or nested too deep
        return orjson.dumps(_make_encodable(value, DEPTH)).decode()


def text_of(value: Any) -> str:
    """The text of any value, or its type's name if its `__str__` raises."""
    return without_surrogates(str(_as_json_type(value)))


def without_surrogates(text: str) -> str:
    """Replace lone surrogates, which cannot be encoded in UTF-8."""
    return text.encode(errors="replace").decode()


def _as_json_type(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        return value.decode(errors="replace")
    if isinstance(value, set | frozenset):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    try:
        return str(value)
    except Exception:  # noqa: BLE001  # the value's own code
        return f"<{type(value).__name__}>"


def _make_encodable(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return without_surrogates(value)
    if isinstance(value, dict) and depth:
        return {
            without_surrogates(str(_as_json_type(key))): _make_encodable(item, depth - 1) for key, item in value.items()
        }
    if isinstance(value, list | tuple) and depth:
        return [_make_encodable(item, depth - 1) for item in value]
    if value is None or isinstance(value, float | bool) or (isinstance(value, int) and value.bit_length() < BITS):
        return value
    encodable = _as_json_type(value)
    return (
        without_surrogates(encodable)
        if isinstance(encodable, str)
        else _make_encodable(encodable, depth - 1)
        if depth
        else without_surrogates(str(encodable))
    )
