"""Opens the artifact service's client, the outbox and the artifacts of an agent, as the settings say."""

from pathlib import Path

from nervesys.artifacts.api_client import ServiceClient
from nervesys.artifacts.client import Artifacts
from nervesys.artifacts.delivery import Delivery
from nervesys.artifacts.outbox import Outbox
from nervesys.artifacts.place import open_files
from nervesys.clock import Clock, system_clock
from nervesys.errors import NervesysError
from nervesys.settings import Settings


def open_service(name: str, home: Path, settings: Settings) -> ServiceClient:
    """The service's client, with the token of an agent or of the administrator.

    Raises:
        NervesysError: there is no token.
    """
    said, web = settings.storage.artifacts, settings.monitoring.web
    token = said.token.get_secret_value() if said.token else _token(home / said.tokens / name)
    return ServiceClient(said.service or settings.monitoring.artifacts_url, token, web.tls_cert_file)


def open_delivery(agent: str, file: Path, home: Path, settings: Settings, clock: Clock = system_clock) -> Delivery:
    """The delivery to the service, with its outbox in a file.

    Raises:
        NervesysError: there is no token, or the file cannot be opened.
    """
    service = open_service(agent, home, settings)
    return Delivery(service, Outbox(file), settings.storage.artifacts.retry_seconds, clock)


def open_artifacts(agent: str, delivery: Delivery, home: Path, settings: Settings, clock: Clock) -> Artifacts:
    """The artifacts that one agent may see.

    Raises:
        SettingsError: the storage that the settings name cannot be used.
    """
    return Artifacts(agent, delivery, open_files(home, settings), clock)


def _token(file: Path) -> str:
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as err:
        why = getattr(err, "strerror", None) or "not text"
        raise NervesysError(
            f"read {file}: {why}; set NERVESYS_ARTIFACTS_TOKEN or NERVESYS_ARTIFACTS_TOKEN_FILE"
        ) from err
