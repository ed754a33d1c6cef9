"""The metric families of all programs. Packages are imported on demand, because not all may be installed."""

from importlib import import_module

from nervesys.metrics import Family, SourceArea

TABLES = {
    "Exporters": "exporters.sources",
    "Receiver": "alerting",
    "Artifacts": "nervesys.artifacts.metrics",
    "Audit trail": "nervesys.metrics.audit",
}
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


def optional_areas() -> dict[SourceArea, str]:
    """The areas of exporters that a healthy fleet may lack, each with the reason.

    Raises:
        ModuleNotFoundError: a required package is not installed.
    """
    areas: dict[SourceArea, str] = import_module(TABLES["Exporters"]).OPTIONAL_AREAS
    return areas
