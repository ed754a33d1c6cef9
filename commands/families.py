"""The metric families of all programs. Packages are imported on demand, because not all may be installed."""

from importlib import import_module

from nervesys.metrics import Family

TABLES = {"Exporters": "exporters.sources", "Receiver": "alerting", "Artifacts": "nervesys.artifacts.metrics"}
"""The module that holds `FAMILIES`, by the title of its table in the reference."""


def tables() -> dict[str, tuple[Family, ...]]:
    """The tables of families, by title.

    Raises:
        ModuleNotFoundError: a required package is not installed.
    """
    return {title: tuple(import_module(module).FAMILIES) for title, module in TABLES.items()}


def families() -> tuple[Family, ...]:
    """All families.

    Raises:
        ModuleNotFoundError: a required package is not installed.
    """
    return tuple(family for table in tables().values() for family in table)
