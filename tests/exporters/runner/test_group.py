"""Several sources in one process: each has its pages, and what happens to one costs no other."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from threading import Event

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from exporters.runner import Area, ExporterGroup, MountedSource, Refresh, Runner, Source, group
from nervesys.errors import NervesysError, StoreUnavailable
from nervesys.metrics import Family
from nervesys.metrics.pages import application
from nervesys.settings import load
from tests.exporters.kit import context

Open = Callable[[], AbstractContextManager[Runner]]


def source(name: str, refresh: Callable[[Refresh], None] | None = None) -> Source:
    """A source with one area and one family of its own."""
    family = Family(f"{name}_things", "gauge", "Things.")

    def show(out: Refresh) -> None:
        out.put("things", 1, [family.sample(1)])

    return Source(name, f"{name}.", (family,), lambda _: [Area("box", [family], 3600, refresh or show)])


@contextmanager
def opened(name: str, refresh: Callable[[Refresh], None] | None = None) -> Iterator[Runner]:
    yield Runner(source(name, refresh), context(source=name))


@contextmanager
def broken(error: Exception) -> Iterator[Runner]:
    raise error
    yield


@contextmanager
def running(**sources: Open) -> Iterator[TestClient]:
    """The pages of a group while it runs."""
    exporters = ExporterGroup([MountedSource(name, open_runner) for name, open_runner in sources.items()])
    exporters.start()
    try:
        yield TestClient(application(exporters.program(), load().settings.monitoring.web))
    finally:
        exporters.stop()


def ready(client: TestClient, name: str) -> bool:
    return client.get(f"/-/ready/{name}").is_success


def test_each_source_has_its_page_and_all_are_joined(wait_until: Callable[..., None]) -> None:
    with running(store=partial(opened, "store"), brain=partial(opened, "brain")) as client:
        wait_until(lambda: ready(client, "store") and ready(client, "brain"))
        store, joined = client.get("/metrics/store").text, client.get("/metrics").text
        assert 'nervesys_exporter_up{area="box",source="store"} 1.0' in store
        assert "nervesys_store_things 1" in store
        assert "brain" not in store
        names = [family.name for family in text_string_to_metric_families(joined)]
        assert sorted(names) == sorted(set(names)), "each family once"
        assert {"nervesys_store_things", "nervesys_brain_things", "process_open_fds"} <= set(names)
        packed = client.get("/metrics/brain", headers={"accept-encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert "metrics of brain" in client.get("/").text


def test_the_process_has_a_page_of_its_own_and_its_sources_do_not_repeat_it() -> None:
    with running(store=partial(opened, "store")) as client:
        assert "process_resident_memory_bytes" in client.get("/metrics/exporters").text


@pytest.mark.parametrize(
    ("error", "problem", "logged"),
    [
        pytest.param(NervesysError("another toy exporter runs"), "another toy exporter runs", False, id="refused"),
        pytest.param(ZeroDivisionError("oh"), "a bug: ZeroDivisionError", True, id="a bug"),
        pytest.param(PermissionError(13, "Permission denied", "/cache"), "Permission denied", False, id="a file"),
    ],
)
def test_a_source_that_cannot_be_opened_costs_itself_alone(
    error: Exception,
    problem: str,
    logged: bool,
    wait_until: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with running(bad=partial(broken, error), good=partial(opened, "good")) as client:
        wait_until(lambda: ready(client, "good") and "not opened" in caplog.text)
        for page in ("/metrics/bad", "/-/ready/bad"):
            assert client.get(page).status_code == 503
            assert problem in client.get(page).text
        assert client.get("/-/ready").status_code == 200, "the other source stays in service"
        assert "nervesys_good_things 1" in client.get("/metrics").text
    assert ("Traceback" in caplog.text) == logged


def test_a_source_is_opened_again_until_that_succeeds(
    wait_until: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group, "PAUSES", (0.0, 0.0))
    attempts = iter([broken(NervesysError("locked")), broken(NervesysError("locked")), opened("late")])
    with running(late=lambda: next(attempts)) as client:
        wait_until(lambda: ready(client, "late"))
        assert "nervesys_late_things 1" in client.get("/metrics/late").text


def test_a_source_that_fails_or_hangs_costs_itself_alone(
    wait_until: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group, "STOP_SECONDS", 0.0)
    release = Event()

    def fail(_: Refresh) -> None:
        raise StoreUnavailable("list box/: refused")

    def hang(_: Refresh) -> None:
        release.wait()

    sources = [
        MountedSource("stuck", partial(opened, "stuck", hang)),
        MountedSource("failing", partial(opened, "failing", fail)),
        MountedSource("good", partial(opened, "good")),
    ]
    exporters = ExporterGroup(sources)
    client = TestClient(application(exporters.program(), load().settings.monitoring.web))
    assert client.get("/-/ready").status_code == 503
    exporters.start()
    try:
        wait_until(lambda: ready(client, "good") and "refused" in client.get("/-/ready/failing").text)
        assert client.get("/-/ready/stuck").text == "box: not read yet\n"
        assert 'nervesys_exporter_up{area="box",source="failing"} 0.0' in client.get("/metrics").text
        assert "stuck" in exporters.stop(), "whoever stops does not wait for it"
    finally:
        release.set()
    assert all(stopped.has_ended(10) for stopped in sources)


def test_an_unknown_source_is_not_found() -> None:
    with running(store=partial(opened, "store")) as client:
        for page in ("/metrics/nowhere", "/-/ready/nowhere"):
            response = client.get(page)
            assert (response.status_code, response.text) == (404, "no such source here; there are: store")
