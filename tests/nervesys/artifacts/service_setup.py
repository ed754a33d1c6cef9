"""A service of artifacts in a thread, with tokens, files and callers."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from nervesys.artifacts.api_client import ServiceClient
from nervesys.artifacts.client import Artifacts
from nervesys.artifacts.content_uri import content_uri
from nervesys.artifacts.delivery import Delivery
from nervesys.artifacts.manifest import Manifest
from nervesys.artifacts.open_artifacts import database_url, open_content_storage
from nervesys.artifacts.outbox import Outbox
from nervesys.artifacts.program import service
from nervesys.artifacts.tables import ManifestDatabase
from nervesys.artifacts.tokens import ADMIN
from nervesys.clock import Clock, system_clock
from nervesys.metrics.pages import serve_in_background
from nervesys.settings import StartupSettings, load
from tests.servers.s3 import free_port

AGENTS = ("grok", "gimai", "qwen")


class ServiceSetup:
    """Everything of one fleet; the service runs until it is stopped.

    Args:
        home: of all of it.
        clock: of the service and the callers.
        artifact_settings: settings under `storage.artifacts`.
    """

    def __init__(self, home: Path, clock: Clock = system_clock, **artifact_settings: object) -> None:
        self.place, self.clock = StartupSettings(home), clock
        settings = load().settings
        artifacts = settings.storage.artifacts.model_copy(update=artifact_settings)
        storage = settings.storage.model_copy(update={"artifacts": artifacts})
        self.settings = settings.model_copy(update={"storage": storage})
        self.address = f"127.0.0.1:{free_port()}"
        self._tokens = home / self.settings.storage.artifacts.tokens
        self._tokens.mkdir(parents=True, exist_ok=True)
        for name in (*AGENTS, ADMIN):
            if (self._tokens / name).exists():
                continue
            (self._tokens / name).write_text(f"token-of-{name:16}".strip().replace(" ", "-") + "-is-long")
        self.files = open_content_storage(self.place.home, self.settings)
        self._running, self._opened = ExitStack(), ExitStack()

    def start(self) -> None:
        app = service(self.place, self.settings, self.clock)
        self._running.enter_context(serve_in_background(app, self.address, self.settings.monitoring.web))

    def stop(self) -> None:
        self._running.close()

    def token(self, name: str) -> str:
        return (self._tokens / name).read_text()

    def caller(self, name: str = "grok") -> ServiceClient:
        found = ServiceClient(f"http://{self.address}", self.token(name))
        self._opened.callback(found.close)
        return found

    def delivery(self, name: str = "grok", pauses: tuple[float, ...] = (0, 0, 0)) -> Delivery:
        waiting = Outbox(self.place.home / "agents" / name / "artifacts.sqlite3")
        self._opened.callback(waiting.close)
        return Delivery(self.caller(name), waiting, pauses, self.clock)

    def artifacts(self, name: str = "grok", delivery: Delivery | None = None) -> Artifacts:
        return Artifacts(name, delivery or self.delivery(name), self.files, self.clock)

    def rows(self, table: Any) -> list[Any]:
        """What lies in a table."""
        database = ManifestDatabase.open(database_url(self.place, self.settings))
        try:
            with database.transaction() as connection:
                return list(connection.execute(table.select()))
        finally:
            database.close()

    def has_content(self, manifest: Manifest) -> bool:
        return self.files.size(manifest.uri) == manifest.size_bytes

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._opened.close()


def uri_of(setup: ServiceSetup, manifest: Manifest, id_: str) -> str:
    """The URI of the content of an artifact like this one, with another id."""
    return content_uri(setup.files.root, manifest.model_copy(update={"id": id_}))
