"""Opens what the settings configure: storage of contents, client of the service, outbox and artifacts of an agent."""

from pathlib import Path

from nervesys.artifacts.api_client import ServiceClient
from nervesys.artifacts.client import Artifacts
from nervesys.artifacts.content import ContentEncryption
from nervesys.artifacts.delivery import Delivery
from nervesys.artifacts.files import ContentStorage
from nervesys.artifacts.outbox import Outbox
from nervesys.clock import Clock, system_clock
from nervesys.errors import NervesysError
from nervesys.settings import Settings, StartupSettings
from nervesys.settings.rotating_secret import SecretFromFile


def database_url(place: StartupSettings, settings: Settings) -> str:
    """URL of the database of manifests."""
    url = settings.storage.artifacts.database
    return url.get_secret_value() if url else f"sqlite:///{place.manifests}"


def open_content_storage(home: Path, settings: Settings) -> ContentStorage:
    """The storage of the contents; a path without a scheme is a folder below the home.

    Raises:
        SettingsError: the storage that the settings name cannot be used.
    """
    url = settings.storage.artifacts.files
    return ContentStorage(url if "://" in url else (home / url).as_uri(), settings.storage.storj)


def open_service(name: str, home: Path, settings: Settings) -> ServiceClient:
    """The service's client, with the token of an agent or of the administrator.

    Raises:
        NervesysError: there is no token.
    """
    artifacts, web = settings.storage.artifacts, settings.monitoring.web
    token = artifacts.token or _open_token(home / artifacts.tokens / name)
    return ServiceClient(artifacts.service or settings.monitoring.artifacts_url, token, web.tls_cert_file)


def open_delivery(agent: str, file: Path, home: Path, settings: Settings, clock: Clock = system_clock) -> Delivery:
    """The delivery to the service, with its outbox in a file.

    Raises:
        NervesysError: there is no token, or the file cannot be opened.
    """
    service = open_service(agent, home, settings)
    return Delivery(service, Outbox(file), settings.storage.artifacts.retry_seconds, clock)


def open_artifacts(
    agent: str,
    delivery: Delivery,
    home: Path,
    settings: Settings,
    clock: Clock,
    encryption: ContentEncryption | None = None,
) -> Artifacts:
    """The artifacts that one agent may see.

    Raises:
        SettingsError: the storage that the settings name cannot be used.
    """
    return Artifacts(agent, delivery, open_content_storage(home, settings), clock, encryption)


def _open_token(file: Path) -> SecretFromFile:
    try:
        return SecretFromFile(file)
    except (OSError, ValueError) as err:
        why = getattr(err, "strerror", None) or "not text"
        raise NervesysError(
            f"read {file}: {why}; set NERVESYS_ARTIFACTS_TOKEN or NERVESYS_ARTIFACTS_TOKEN_FILE"
        ) from err
