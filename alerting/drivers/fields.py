"""Kinds of values in the receiver's own local file."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from nervesys.contract import server_name
from nervesys.contract.validation import text_form
from nervesys.errors import BadObject
from nervesys.settings.rotating_secret import SecretFromFile

ANY_SERVER = "*"

Seconds = Annotated[float, Field(gt=0)]


def _servers(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise ValueError(f"name the servers that it reaches; '{ANY_SERVER}' stands for every server")
    try:
        return tuple(name if name == ANY_SERVER else server_name(name) for name in names)
    except BadObject as bad:
        raise ValueError(f"{bad}; host names, or '{ANY_SERVER}' for every server") from bad


Servers = Annotated[tuple[str, ...], AfterValidator(_servers)]
"""The servers that a driver reaches; `*` stands for every server."""


DriverUrl = Annotated[
    str, text_form(r"unix:///.+|http://[^/\s@]+/?", "must be unix:///PATH or http://HOST:PORT, without a user")
]
"""Where a driver calls its server."""


def absolute(path: str) -> str:
    """A path that means the same whatever folder the receiver was started in.

    Raises:
        ValueError: it is relative.
    """
    if not Path(path).is_absolute():
        raise ValueError(f"a path of this file is absolute, not {path}")
    return path


AbsolutePath = Annotated[str, AfterValidator(absolute)]


def read_secret(file: object) -> SecretStr:
    """The content of a file that holds one secret; read again when it changes.

    Raises:
        ValueError: the path is not absolute, the file cannot be read, or it is empty.
    """
    path = Path(absolute(str(file)))
    try:
        secret = SecretFromFile(path)
    except (OSError, ValueError) as err:
        raise ValueError(f"read {path}: {getattr(err, 'strerror', None) or 'not text'}") from err
    if not secret.get_secret_value():
        raise ValueError(f"read {path}: the file is empty")
    return secret


FileSecret = Annotated[SecretStr, BeforeValidator(read_secret)]
"""A secret, given as the absolute path of the file that holds it."""
