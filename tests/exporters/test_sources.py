"""Covers: exporters.modules, exporters.sources, exporters.runner.model, nervesys.settings.monitoring."""

import pkgutil

import pytest

import exporters
from exporters.modules import SHARED
from exporters.sources import FAMILIES, OPTIONAL_AREAS, SOURCES
from nervesys.errors import SettingsError
from nervesys.metrics import SourceArea
from nervesys.settings import load
from tests.exporters.kit import context


def test_every_module_that_is_not_shared_is_a_source_of_its_name() -> None:
    modules = {module.name for module in pkgutil.iter_modules(exporters.__path__)}
    assert modules > SHARED
    assert {source.name for source in SOURCES} == modules - SHARED


def test_no_family_is_declared_twice() -> None:
    names = [family.full_name for family in FAMILIES]
    assert sorted(names) == sorted(set(names))


FLAGS = {
    "NERVESYS_ARCHIVE": "file:///nowhere",
    "GITHUB_REPOSITORY": "owner/brain",
    "NERVESYS_LOGS_PUSH": "http://127.0.0.1:3100",
    "NERVESYS_TRACES_OTLP": "http://127.0.0.1:4318",
}


def test_areas_render_what_their_source_declares() -> None:
    for source in SOURCES:
        areas = source.areas(context(source=source.name, flags=FLAGS))
        shown = [family for area in areas for family in area.families]
        assert sorted(f.name for f in shown) == sorted(f.name for f in source.families), source.name


def test_a_condition_depends_on_the_area_that_renders_its_family() -> None:
    for source in SOURCES:
        for area in source.areas(context(source=source.name, flags=FLAGS)):
            origins = {term.origin for family in area.families for term in family.conditions}
            assert origins <= {SourceArea(source.name, area.name)}, area.name


def test_the_settings_know_every_source_and_each_of_its_areas() -> None:
    known = {name: set(row.refresh) for name, row in load().settings.monitoring.sources.items()}
    opened = {source.name: source.areas(context(source=source.name, flags=FLAGS)) for source in SOURCES}
    assert known == {name: {area.name for area in areas} for name, areas in opened.items()}


def test_areas_that_may_be_absent_are_areas_of_their_source() -> None:
    rows = load().settings.monitoring.sources
    assert all(area in rows[source].refresh for source, area in OPTIONAL_AREAS)
    assert SourceArea("brain", "github") in OPTIONAL_AREAS


def test_the_error_of_an_area_without_an_interval_names_its_key() -> None:
    monitoring = load().settings.monitoring
    with pytest.raises(SettingsError, match=r"sources\.store\.refresh\.absent: is missing"):
        monitoring.every_seconds("store", "absent")


def test_an_exporter_host_replaces_the_host_of_every_source_and_keeps_its_port() -> None:
    rows = load().settings.monitoring.sources
    ports = {name: row.listen.rpartition(":")[2] for name, row in rows.items()}
    moved = load(profile="local,compose").settings.monitoring.sources
    assert {name: row.listen for name, row in moved.items()} == {
        name: f"{name}-exporter:{port}" for name, port in ports.items()
    }
