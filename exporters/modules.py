"""The modules of the sources: every module or package in this folder that is not shared defines `SOURCE`."""

import pkgutil
from importlib import import_module
from typing import cast

import exporters
from exporters.runner import Source
from nervesys.errors import NervesysError

SHARED = frozenset({"history", "modules", "runner", "shared", "sources"})
"""The modules of this folder that are no sources."""


def source_names() -> tuple[str, ...]:
    """The names of all sources, sorted; imports none of them."""
    names = sorted(module.name for module in pkgutil.iter_modules(exporters.__path__))
    return tuple(name for name in names if name not in SHARED)


def import_source(name: str) -> Source:
    """Import a source, with the packages that it alone needs.

    Raises:
        NervesysError: a package is not installed.
    """
    try:
        return cast("Source", import_module(f"exporters.{name}").SOURCE)
    except ModuleNotFoundError as err:
        raise NervesysError(
            f"open the source {name}: the package {err.name} is not installed; "
            "type: pip install 'nervesys-observability[exporters]'"
        ) from err
