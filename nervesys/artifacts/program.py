"""The service as one program: pages in front, the manifests behind."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from nervesys.artifacts import metrics
from nervesys.artifacts.database import Manifests
from nervesys.artifacts.place import database_url, open_files
from nervesys.artifacts.service import ROOT, Desk
from nervesys.artifacts.tokens import Tokens
from nervesys.clock import Clock, system_clock
from nervesys.database import Writer
from nervesys.metrics import Instruments
from nervesys.metrics.pages import Program, application
from nervesys.settings import Place, Settings

ABOUT = "Knows every artifact of the fleet: what it is, whose, and where its content lies."


def service(place: Place, settings: Settings, clock: Clock = system_clock) -> Starlette:
    """The service of artifacts.

    Raises:
        DatabaseUnavailable: the manifests cannot be opened.
        SettingsError: the settings name no place for files.
        NervesysError: the tokens cannot be read.
    """
    said = settings.storage.artifacts
    instruments = Instruments("artifacts", metrics.FAMILIES)
    files, tokens = open_files(place.home, settings), Tokens(place.home / said.tokens, clock)
    database = Manifests.open(database_url(place, settings))
    writer = Writer(database, lambda: instruments.add(metrics.COMMIT_FAILURES))
    desk = Desk(database, writer, files, tokens, instruments, said, clock)
    desk.start()

    @asynccontextmanager
    async def beside(_: Starlette) -> AsyncIterator[None]:
        yield
        database.close()

    program = Program(
        name="artifacts",
        about=ABOUT,
        snapshot=instruments.snapshot,
        not_ready=lambda: writer.failure,
        routes=desk.routes(),
        self_guarded=frozenset({ROOT}),
        lifespan=beside,
    )
    return application(program, settings.monitoring.web)
