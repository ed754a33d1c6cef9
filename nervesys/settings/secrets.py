"""Rotation dates of secrets: config/secrets.yaml. It holds names and dates, never a secret itself."""

import re
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from nervesys.errors import SettingsError, SettingsProblem
from nervesys.settings.loader import load_file
from nervesys.settings.section import SettingsSection
from nervesys.settings.tree import Tree

FILE = "config/secrets.yaml"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("a name is at most 64 of A-Z a-z 0-9 _ . -, and begins with a letter")
    return text


def _day(value: object) -> date:
    """Parse a date. The message never quotes the text, which might be a secret."""
    try:
        return date.fromisoformat(value.isoformat() if isinstance(value, date) else str(value))
    except ValueError:
        raise ValueError("a date (YYYY-MM-DD) belongs here, and never a value") from None


Day = Annotated[date, BeforeValidator(_day)]
"""A day, UTC."""


class Secrets(SettingsSection):
    """config/secrets.yaml, whole.

    Attributes:
        secrets: the day of the last rotation, by name.
    """

    secrets: dict[Annotated[str, AfterValidator(_name)], Day]


def read_secrets(tree: Tree) -> Secrets | None:
    """Read the file from a brain; None if there is none.

    Raises:
        SettingsError: with every mistake; the file's content is not quoted, because it might be a secret.
    """
    try:
        return load_file(tree, FILE, Secrets) if tree.read(FILE) is not None else None
    except SettingsError as err:
        raise SettingsError(
            [SettingsProblem(mistake.where, "secrets", mistake.problem) for mistake in err.mistakes]
        ) from None
