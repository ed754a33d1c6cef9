import pkgutil

import pytest

import exporters
from exporters.sources import FAMILIES, SOURCES
from nervesys.errors import SettingsError
from nervesys.settings import load
from tests.exporters.kit import context

NO_SOURCES = {"sources", "runner", "shared", "history"}
"""Their table, what all or some of them share, and what makes history of the archive."""


def test_every_other_module_is_a_listed_source() -> None:
    modules = {module.name for module in pkgutil.iter_modules(exporters.__path__)}
    assert modules == {source.name for source in SOURCES} | NO_SOURCES


def test_no_family_is_declared_twice() -> None:
    names = [family.full_name for family in FAMILIES]
    assert sorted(names) == sorted(set(names))


FLAGS = {"NERVESYS_ARCHIVE": "file:///nowhere", "GITHUB_REPOSITORY": "owner/brain"}


def test_areas_render_what_their_source_declares() -> None:
    for source in SOURCES:
        areas = source.areas(context(source=source.name, flags=FLAGS))
        shown = [family for area in areas for family in area.families]
        assert sorted(f.name for f in shown) == sorted(f.name for f in source.families), source.name


def test_the_settings_know_every_source_and_each_of_its_areas() -> None:
    known = {name: set(row.refresh) for name, row in load().settings.monitoring.sources.items()}
    opened = {source.name: source.areas(context(source=source.name, flags=FLAGS)) for source in SOURCES}
    assert known == {name: {area.name for area in areas} for name, areas in opened.items()}


def test_the_error_of_an_area_without_an_interval_names_its_key() -> None:
    monitoring = load().settings.monitoring
    with pytest.raises(SettingsError, match=r"sources\.store\.refresh\.unheard: is missing"):
        monitoring.every_seconds("store", "unheard")
