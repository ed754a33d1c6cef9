"""Validates and normalizes the names of agents and servers.

Names in objects may be in upper case (`GROK`); labels, keys and comparisons use lower case. An invalid name may be
shown, escaped, but no action ever uses it.
"""

import re

from nervesys.errors import BadObject, Reason

_AGENT = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_SERVER = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


def agent_name(raw: str) -> str:
    """An agent's name in lower case.

    Raises:
        BadObject: `bad_name` when it is not one RFC 1123 label (1 to 63 of `a-z 0-9 -`, no hyphen at an end).
    """
    return _validate(raw, _AGENT, "an agent")


def server_name(raw: str) -> str:
    """A server's name in lower case; host names, so dots may join labels (253 characters at most, RFC 1123).

    Raises:
        BadObject: `bad_name` when it is not a host name.
    """
    return _validate(raw, _SERVER, "a server")


def project_name(raw: str) -> str:
    """A project's name in lower case, of the same form as an agent's.

    Raises:
        BadObject: `bad_name` when it is not a valid name.
    """
    return _validate(raw, _AGENT, "a project")


def entity_name(raw: str) -> str:
    """The name of an entity that shows vital signs, in lower case, of the same form as an agent's.

    Raises:
        BadObject: `bad_name` when it is not a valid name.
    """
    return _validate(raw, _AGENT, "an entity")


def creator_name(raw: str) -> str:
    """The name of who made an artifact, in lower case: an agent, or labels joined by dots, as host names are.

    Raises:
        ValueError: it is not a valid name.
    """
    try:
        return _validate(raw, _SERVER, "an agent")
    except BadObject as bad:
        raise ValueError(bad.detail) from None


def _validate(raw: str, pattern: re.Pattern[str], what: str) -> str:
    name = raw.lower()
    if not pattern.fullmatch(name):
        raise BadObject(Reason.BAD_NAME, f"not a name of {what}: {raw[:80]!r}")
    return name
