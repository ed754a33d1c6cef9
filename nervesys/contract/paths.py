"""Path templates: build a key from fields, and parse the fields of a key.

A template contains `{field}` placeholders, such as `db/metrics/{server}/{date}/{hour}/{minute}{second}_{agent}.json`.
Each field has a fixed format, so that adjacent ones such as `{minute}{second}` can be separated.
"""

import re
from datetime import UTC, date, datetime
from functools import cached_property

FIELDS = {
    "agent": r"[^/]+?",
    "server": r"[^/]+?",
    "entity": r"[^/]+?",
    "project": r"[^/]+?",
    "category": r"system|activity|errors|audit|message",
    "date": r"\d{4}-\d{2}-\d{2}",
    "time": r"\d{6}",
    "year": r"\d{4}",
    "iso_year": r"\d{4}",
    "month": r"\d{2}",
    "week": r"\d{1,2}",
    "hour": r"\d{2}",
    "minute": r"\d{2}",
    "second": r"\d{2}",
    "seq": r"[0-9A-Za-z-]+",
    "object": r"[^/]+",
}
"""All fields of templates, and the format of their values, as regular expressions."""

PACKED = (".gz", ".zst")
"""Ends of keys that say how a body is packed. A template that ends in one stands for the other as well, for the writers
of one fleet may pack otherwise."""
SEALED = ".age"
"""End of a key, after that of the packing, that says that a body is encrypted; it stands for either as well."""
ENDS = (*PACKED, *(f"{end}{SEALED}" for end in PACKED))

_PLACE = re.compile(r"\{(\w+)\}")


class PathTemplate:
    """The layout of an area.

    Args:
        text: the template, such as `db/agents/{agent}_state.json`.

    Raises:
        ValueError: it has an unknown field, or is an absolute path or contains `..`.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.fields = tuple(dict.fromkeys(_PLACE.findall(text)))
        unknown = [field for field in self.fields if field not in FIELDS]
        if unknown:
            raise ValueError(f"unknown field {{{unknown[0]}}}; known are {', '.join(FIELDS)}")
        if text.startswith("/") or ".." in text.split("/"):
            raise ValueError("a template is a relative key without '..'")

    def __repr__(self) -> str:
        return f"PathTemplate({self.text!r})"

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        seen: set[str] = set()
        text = ""
        for part in re.split(r"(\{\w+\})", self.text):
            place = _PLACE.fullmatch(part)
            name = place[1] if place else ""
            text += re.escape(part) if not place else f"(?P={name})" if name in seen else f"(?P<{name}>{FIELDS[name]})"
            seen.add(name)
        if self._packed:
            text = f"{text.removesuffix(re.escape(self._packed))}(?:{'|'.join(map(re.escape, ENDS))})"
        return re.compile(text, re.ASCII)

    def build(self, **fields: str) -> str:
        """The key for these fields.

        Raises:
            KeyError: a field of the template is missing.
            ValueError: a value does not have the field's format, so that the key could not be parsed again.
        """
        key = _PLACE.sub(lambda match: fields[match[1]], self.text)
        if self.parse(key) != {name: fields[name] for name in self.fields}:
            raise ValueError(f"{self.text} cannot hold {fields}")
        return key

    def packed(self, suffix: str) -> "PathTemplate":
        """The same layout with bodies packed otherwise, where they are packed at all.

        Args:
            suffix: one of `PACKED`.
        """
        return PathTemplate(self.text.removesuffix(self._packed) + suffix) if self._packed else self

    @property
    def _packed(self) -> str:
        return next(filter(self.text.endswith, ENDS), "")

    def parse(self, key: str) -> dict[str, str] | None:
        """The fields of a key; None if it does not match the template."""
        match = self._pattern.fullmatch(key)
        return match.groupdict() if match else None

    def prefix(self, **fields: str) -> str:
        """The longest common prefix of all keys with these fields, ending in `/`; '' for the whole bucket.

        It ends at a folder, because some stores answer 501 to a prefix that does not end in `/`.
        """
        known: list[str] = []
        for segment in self.text.split("/")[:-1]:
            if not set(_PLACE.findall(segment)) <= fields.keys():
                break
            known.append(_PLACE.sub(lambda match: fields[match[1]], segment))
        return "/".join([*known, ""])


def time_fields(seconds: float) -> dict[str, str]:
    """The values of all date and time fields for an instant, in UTC."""
    at = datetime.fromtimestamp(seconds, UTC)
    iso_year, week, _ = at.isocalendar()
    return {
        "date": at.strftime("%Y-%m-%d"),
        "time": at.strftime("%H%M%S"),
        "year": at.strftime("%Y"),
        "iso_year": f"{iso_year:04}",
        "month": at.strftime("%m"),
        "week": f"{week:02}",
        "hour": at.strftime("%H"),
        "minute": at.strftime("%M"),
        "second": at.strftime("%S"),
    }


def parse_date(text: str) -> date | None:
    """Parse a `{date}`; None if there is no such day (`2026-02-30`)."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
