"""ManifestDatabase and traces, on both databases.

Covers: nervesys.artifacts.registry, nervesys.artifacts.tables, nervesys.artifacts.traces.
"""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, select

from nervesys.artifacts import registry, traces
from nervesys.artifacts.manifest import ArtifactContext, ArtifactStatus, Manifest
from nervesys.artifacts.tables import ManifestDatabase, manifests, steps
from nervesys.artifacts.tokens import Caller
from nervesys.artifacts.trace import Progress, Update
from nervesys.contract.ulid import UlidGenerator
from nervesys.metrics.body import HttpRefused

GROK, QWEN, ADMIN = Caller("grok"), Caller("qwen"), Caller("_admin", admin=True)
NOW = 1_800_000_000.0
STAMPS = UlidGenerator(lambda: NOW)


@pytest.fixture
def manifests_database(database: str) -> Iterator[ManifestDatabase]:
    found = ManifestDatabase.open(database)
    yield found
    found.close()


def made(**other: object) -> Manifest:
    id_ = STAMPS.next().id
    manifest = {
        "id": id_,
        "created_by": "grok",
        "created_at": NOW,
        "artifact_type": "note",
        "content_type": "text/plain",
        "uri": f"file:///{id_}",
        "size_bytes": 1 << 40,
        "checksum": "0" * 64,
        "owner": "grok",
        "trace_id": "t1",
        "context": ArtifactContext(model_params={"temperature": 0.5, "stop": ["\u0000", "ü"]}, prompt_version="v2"),
    }
    return Manifest.model_validate(manifest | other)


def test_what_is_registered_is_read_as_it_was(manifests_database: ManifestDatabase) -> None:
    manifest = made()
    with manifests_database.alone() as connection:
        assert registry.register(connection, GROK, manifest) == manifest
        assert registry.find(connection, GROK, manifest.id) == manifest
        assert registry.list_manifests(connection, GROK, registry.ManifestFilter(trace="t1", status="uploading")) == [
            manifest
        ]
        assert registry.list_manifests(connection, QWEN, registry.ManifestFilter()) == []


def test_each_change_has_a_higher_number_than_all_before(manifests_database: ManifestDatabase) -> None:
    first, second = made(), made()
    steps_: list[Callable[[Connection], object]] = [
        lambda c: registry.register(c, GROK, first),
        lambda c: registry.register(c, GROK, second),
        lambda c: registry.complete(c, GROK, first.id),
        lambda c: registry.delete(c, ADMIN, second.id),
    ]
    highest = []
    for step in steps_:
        with manifests_database.alone() as connection:
            assert not isinstance(step(connection), HttpRefused)
        with manifests_database.transaction() as connection:
            highest.append(connection.execute(select(manifests.c.change).order_by(manifests.c.change.desc())).scalar())
    assert highest == [1, 2, 3, 4]
    with manifests_database.transaction() as connection:
        rows = connection.execute(select(*manifests.c["registered", "change", "status"])).all()
    assert sorted(map(tuple, rows)) == [(1, 3, ArtifactStatus.COMPLETED), (2, 4, ArtifactStatus.DELETED)]


def test_a_refusal_writes_nothing_and_those_who_share_its_commit_are_kept(manifests_database: ManifestDatabase) -> None:
    with manifests_database.alone() as connection:
        registry.register(connection, GROK, made())
        assert isinstance(registry.register(connection, QWEN, made(created_by="qwen")), HttpRefused)
        registry.register(connection, GROK, made())
    with manifests_database.transaction() as connection:
        assert len(registry.list_manifests(connection, ADMIN, registry.ManifestFilter())) == 2


def test_a_list_goes_on_where_it_ended(manifests_database: ManifestDatabase) -> None:
    registered = [made() for _ in range(5)]
    with manifests_database.alone() as connection:
        for manifest in registered:
            registry.register(connection, GROK, manifest)
        first = registry.list_manifests(connection, GROK, registry.ManifestFilter(limit=3))
        rest = registry.list_manifests(connection, GROK, registry.ManifestFilter(limit=3, after=first[-1].id))
    assert [*first, *rest] == registered


def test_a_step_never_ends_before_it_began(manifests_database: ManifestDatabase) -> None:
    with manifests_database.alone() as connection:
        traces.update_step(connection, GROK, "t1", "s", Update(at=NOW))
        traces.update_step(connection, GROK, "t1", "s", Update(status=Progress.COMPLETED, at=NOW - 60))
        row = connection.execute(select(steps)).one()
    assert (row.started_at, row.ended_at, row.status) == (NOW, NOW, "completed")


def test_the_tables_are_what_the_migrations_made(manifests_database: ManifestDatabase) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from nervesys.artifacts.tables import metadata

    with manifests_database.transaction() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
