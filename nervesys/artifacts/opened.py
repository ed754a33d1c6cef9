"""An agent's way to artifacts, by the settings."""

from pathlib import Path

from nervesys.artifacts.caller import Service
from nervesys.artifacts.client import Artifacts
from nervesys.artifacts.patience import Patient
from nervesys.artifacts.place import open_files
from nervesys.artifacts.waiting import Waiting
from nervesys.clock import Clock, system_clock
from nervesys.errors import NervesysError
from nervesys.settings import Settings


def open_service(name: str, home: Path, settings: Settings) -> Service:
    """The service, shown the token of one agent or of the administrator.

    Raises:
        NervesysError: there is no token.
    """
    said, web = settings.storage.artifacts, settings.monitoring.web
    token = said.token.get_secret_value() if said.token else _token(home / said.tokens / name)
    return Service(said.service or settings.monitoring.artifacts_url, token, web.tls_cert_file)


def open_patient(agent: str, file: Path, home: Path, settings: Settings, clock: Clock = system_clock) -> Patient:
    """The service, and what waits for it in a file.

    Raises:
        NervesysError: there is no token, or the file cannot be opened.
    """
    service = open_service(agent, home, settings)
    return Patient(service, Waiting(file), settings.storage.artifacts.retry_seconds, clock)


def open_artifacts(agent: str, patient: Patient, home: Path, settings: Settings, clock: Clock) -> Artifacts:
    """The artifacts as one agent sees them.

    Raises:
        SettingsError: the settings name no place for files.
    """
    return Artifacts(agent, patient, open_files(home, settings), clock)


def _token(file: Path) -> str:
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as err:
        why = getattr(err, "strerror", None) or "not text"
        raise NervesysError(
            f"read {file}: {why}; set NERVESYS_ARTIFACTS_TOKEN or NERVESYS_ARTIFACTS_TOKEN_FILE"
        ) from err
