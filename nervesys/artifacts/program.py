"""The artifact service as a program: database, writer and HTTP pages put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from nervesys.artifacts import metrics
from nervesys.artifacts.api import ROOT, Api
from nervesys.artifacts.open_artifacts import database_url, open_content_storage
from nervesys.artifacts.tables import ManifestDatabase
from nervesys.artifacts.tokens import Tokens
from nervesys.audit import AuditAction
from nervesys.clock import Clock, system_clock
from nervesys.database import Writer
from nervesys.metrics import Instruments
from nervesys.metrics.pages import HttpProgram, application
from nervesys.settings import Settings, StartupSettings

ABOUT = "Keeps the manifest of every artifact of the fleet: what it is, whose it is, and where its content is stored."


def service(place: StartupSettings, settings: Settings, clock: Clock = system_clock) -> Starlette:
    """The artifact service, as an ASGI application.

    Raises:
        DatabaseUnavailable: the database cannot be opened.
        SettingsError: the storage that the settings name cannot be used.
        NervesysError: the tokens cannot be read.
    """
    artifacts = settings.storage.artifacts
    instruments = Instruments("artifacts", metrics.FAMILIES)
    files, tokens = open_content_storage(place.home, settings), Tokens(place.home / artifacts.tokens, clock)
    database = ManifestDatabase.open(database_url(place, settings))
    writer = Writer(database, lambda: instruments.add(metrics.COMMIT_FAILURES))
    api = Api(database, writer, files, tokens, instruments, artifacts, clock)
    api.start()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        database.close()

    program = HttpProgram(
        name="artifacts",
        about=ABOUT,
        snapshot=instruments.snapshot,
        not_ready=lambda: writer.failure,
        routes=api.routes(),
        self_guarded=frozenset({ROOT}),
        lifespan=lifespan,
        audited=(AuditAction.SIGN_IN, AuditAction.READ_ARTIFACT, AuditAction.DELETE_ARTIFACT),
    )
    return application(program, settings.monitoring.web)
