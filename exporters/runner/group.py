"""Several sources in one process, each with its own threads, pages and `up`; what one of them does costs no other."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import chain, repeat
from threading import Event, Thread
from time import monotonic

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporters.runner.runner import Runner
from nervesys.errors import NervesysError
from nervesys.metrics import EMPTY, Instruments, MetricsSnapshot
from nervesys.metrics.merged import merge_snapshots
from nervesys.metrics.pages import HttpProgram, metrics_response, ready_response

NAME = "exporters"
"""The program, and in `/metrics/exporters` the process itself; no source may have this name."""
PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
LONGEST_PAUSE = 60.0
"""Seconds between attempts to open a source."""
STOP_SECONDS = 8.0
"""That the passes under way get to end, together; supervisor kills after 12 seconds."""

log = logging.getLogger(__name__)


class MountedSource:
    """One of the sources: a thread opens it, and again after a pause while that fails.

    Args:
        name: of the source.
        open_runner: imports and opens the source.
    """

    def __init__(self, name: str, open_runner: Callable[[], AbstractContextManager[Runner]]) -> None:
        self.name = name
        self._open_runner = open_runner
        self._runner: Runner | None = None
        self._problem = "not opened yet"
        self._stopping = Event()
        self._thread = Thread(target=self._run, name=f"{name} source", daemon=True)

    def start(self) -> None:
        """Begin to open and refresh it."""
        self._thread.start()

    def request_stop(self) -> None:
        """Ask it to end."""
        self._stopping.set()

    def has_ended(self, seconds: float) -> bool:
        """Whether it ends within so many seconds."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def snapshot(self) -> MetricsSnapshot | None:
        """The response to a scrape of this source alone; None while it could not be opened."""
        return self._runner.snapshot() if self._runner else None

    def parts(self) -> tuple[MetricsSnapshot, list[MetricsSnapshot]]:
        """See `Runner.parts`; empty while it could not be opened."""
        return self._runner.parts() if self._runner else (EMPTY, [])

    def not_ready(self) -> str | None:
        """Why it is not ready; None if it is."""
        return self._runner.not_ready() if self._runner else self._problem

    def _run(self) -> None:
        for pause in chain(PAUSES, repeat(LONGEST_PAUSE)):
            try:
                with self._open_runner() as runner:
                    runner.start()
                    self._runner = runner
                    self._stopping.wait()
                    runner.stop()
            except (NervesysError, OSError) as err:
                self._record_failure(str(err), pause)
            except Exception as err:  # noqa: BLE001  # whatever it is, the other sources go on
                self._record_failure(f"a bug: {err!r}", pause, bug=True)
            if self._stopping.wait(pause):
                return

    def _record_failure(self, problem: str, pause: float, *, bug: bool = False) -> None:
        self._problem = problem
        log.error("%s: not opened: %s; next attempt in %.0f s", self.name, problem, pause, exc_info=bug)


class ExporterGroup:
    """The sources of one process.

    Args:
        sources: those to run.
    """

    def __init__(self, sources: Sequence[MountedSource]) -> None:
        self._sources: Mapping[str, MountedSource] = {source.name: source for source in sources}
        self._process = Instruments(NAME, ())

    def start(self) -> None:
        """Begin to open and refresh all of them."""
        for source in self._sources.values():
            source.start()

    def stop(self) -> list[str]:
        """End all of them; returns the names of those that did not end in time."""
        for source in self._sources.values():
            source.request_stop()
        deadline = monotonic() + STOP_SECONDS
        return [name for name, source in self._sources.items() if not source.has_ended(max(0, deadline - monotonic()))]

    def snapshot(self) -> MetricsSnapshot:
        """Everything: the families of the process and of every source."""
        return merge_snapshots([(self._process.snapshot(), []), *(source.parts() for source in self._sources.values())])

    def not_ready(self) -> str | None:
        """Why no source is ready; None as soon as one is, for the others must not take it out of service."""
        problems = {name: source.not_ready() for name, source in self._sources.items()}
        if None in problems.values():
            return None
        return "; ".join(f"{name}: {problem}" for name, problem in problems.items())

    def program(self) -> HttpProgram:
        """The pages: those of every program for all sources together, and `/metrics` and `/-/ready` of each."""
        routes = [
            Route("/metrics/{name}", self._metrics_of),
            Route("/-/ready/{name}", self._readiness_of),
        ]
        links = {f"/metrics/{name}": f"metrics of {name}" for name in (*self._sources, NAME)}
        links |= {f"/-/ready/{name}": f"readiness of {name}" for name in self._sources}
        about = f"The exporters of {', '.join(self._sources)}."
        return HttpProgram(NAME, about, self.snapshot, self.not_ready, routes=routes, links=links)

    async def _metrics_of(self, request: Request) -> Response:
        if request.path_params["name"] == NAME:
            return metrics_response(request, self._process.snapshot())
        source = self._requested(request)
        snapshot = source.snapshot()
        return metrics_response(request, snapshot) if snapshot else ready_response(source.not_ready() or "opening")

    async def _readiness_of(self, request: Request) -> Response:
        return ready_response(self._requested(request).not_ready())

    def _requested(self, request: Request) -> MountedSource:
        source = self._sources.get(request.path_params["name"])
        if source is None:
            raise HTTPException(404, f"no such source here; there are: {', '.join(self._sources)}")
        return source
