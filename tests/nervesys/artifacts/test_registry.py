"""Manifests and traces, on both databases."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, select

from nervesys.artifacts import registry, traces
from nervesys.artifacts.database import Manifests
from nervesys.artifacts.manifest import Context, Manifest, Status
from nervesys.artifacts.tables import manifests, steps
from nervesys.artifacts.tokens import Caller
from nervesys.artifacts.trace import Progress, Update
from nervesys.contract.ulid import Stamps
from nervesys.metrics.body import Refused

GROK, QWEN, ADMIN = Caller("grok"), Caller("qwen"), Caller("_admin", admin=True)
NOW = 1_800_000_000.0
STAMPS = Stamps(lambda: NOW)


@pytest.fixture
def opened(database: str) -> Iterator[Manifests]:
    found = Manifests.open(database)
    yield found
    found.close()


def made(**other: object) -> Manifest:
    id_ = STAMPS.next().id
    said = {
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
        "context": Context(model_params={"temperature": 0.5, "stop": ["\u0000", "ü"]}, prompt_version="v2"),
    }
    return Manifest.model_validate(said | other)


def test_what_is_registered_is_read_as_it_was(opened: Manifests) -> None:
    said = made()
    with opened.alone() as connection:
        assert registry.register(connection, GROK, said) == said
        assert registry.find(connection, GROK, said.id) == said
        assert registry.listing(connection, GROK, registry.Filter(trace="t1", status="uploading")) == [said]
        assert registry.listing(connection, QWEN, registry.Filter()) == []


def test_each_change_has_a_higher_number_than_all_before(opened: Manifests) -> None:
    first, second = made(), made()
    steps_: list[Callable[[Connection], object]] = [
        lambda c: registry.register(c, GROK, first),
        lambda c: registry.register(c, GROK, second),
        lambda c: registry.complete(c, GROK, first.id),
        lambda c: registry.delete(c, ADMIN, second.id),
    ]
    highest = []
    for step in steps_:
        with opened.alone() as connection:
            assert not isinstance(step(connection), Refused)
        with opened.transaction() as connection:
            highest.append(connection.execute(select(manifests.c.change).order_by(manifests.c.change.desc())).scalar())
    assert highest == [1, 2, 3, 4]
    with opened.transaction() as connection:
        rows = connection.execute(select(*manifests.c["registered", "change", "status"])).all()
    assert sorted(map(tuple, rows)) == [(1, 3, Status.COMPLETED), (2, 4, Status.DELETED)]


def test_a_refusal_writes_nothing_and_those_who_share_its_commit_are_kept(opened: Manifests) -> None:
    with opened.alone() as connection:
        registry.register(connection, GROK, made())
        assert isinstance(registry.register(connection, QWEN, made(created_by="qwen")), Refused)
        registry.register(connection, GROK, made())
    with opened.transaction() as connection:
        assert len(registry.listing(connection, ADMIN, registry.Filter())) == 2


def test_a_list_goes_on_where_it_ended(opened: Manifests) -> None:
    said = [made() for _ in range(5)]
    with opened.alone() as connection:
        for one in said:
            registry.register(connection, GROK, one)
        first = registry.listing(connection, GROK, registry.Filter(limit=3))
        rest = registry.listing(connection, GROK, registry.Filter(limit=3, after=first[-1].id))
    assert [*first, *rest] == said


def test_a_step_never_ends_before_it_began(opened: Manifests) -> None:
    with opened.alone() as connection:
        traces.tell_step(connection, GROK, "t1", "s", Update(at=NOW))
        traces.tell_step(connection, GROK, "t1", "s", Update(status=Progress.COMPLETED, at=NOW - 60))
        row = connection.execute(select(steps)).one()
    assert (row.started_at, row.ended_at, row.status) == (NOW, NOW, "completed")


def test_the_tables_are_what_the_migrations_made(opened: Manifests) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from nervesys.artifacts.tables import metadata

    with opened.transaction() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
