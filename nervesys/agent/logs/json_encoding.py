"""Any value as JSON, at the moment it is logged, while its own code may still be asked; none of it stops a caller."""

from collections.abc import Mapping
from typing import Any

import orjson

DEPTH = 20
"""Of nesting; of what lies deeper, the text."""
BITS = 64
"""Of a whole number that JSON's readers keep exact."""


def json_object(value: Any) -> str:
    """A JSON object of a mapping; what is none becomes the only value of one. Of what JSON does not know, the text."""
    value = value if isinstance(value, dict) else dict(value) if isinstance(value, Mapping) else {"value": value}
    try:
        return orjson.dumps(value, default=_plain).decode()  # as bytes it would hold a kilobyte, however short
    except TypeError:  # a key that is no text, a number too large, half a pair of surrogates, or nested too deep
        return orjson.dumps(_mended(value, DEPTH)).decode()


def text_of(value: Any) -> str:
    """The text of any value, or its type's name where its own code fails."""
    return mended(str(_plain(value)))


def mended(text: str) -> str:
    """A text that can be written in UTF-8."""
    return text.encode(errors="replace").decode()


def _plain(value: Any) -> Any:
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


def _mended(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return mended(value)
    if isinstance(value, dict) and depth:
        return {mended(str(_plain(key))): _mended(held, depth - 1) for key, held in value.items()}
    if isinstance(value, list | tuple) and depth:
        return [_mended(one, depth - 1) for one in value]
    if value is None or isinstance(value, float | bool) or (isinstance(value, int) and value.bit_length() < BITS):
        return value
    told = _plain(value)
    return mended(told) if isinstance(told, str) else _mended(told, depth - 1) if depth else mended(str(told))
