"""Where manifests and contents lie, by the settings."""

from pathlib import Path

from nervesys.artifacts.files import Files
from nervesys.settings import Place, Settings


def database_url(place: Place, settings: Settings) -> str:
    """Where the manifests lie."""
    said = settings.storage.artifacts.database
    return said.get_secret_value() if said else f"sqlite:///{place.manifests}"


def open_files(home: Path, settings: Settings) -> Files:
    """Where the contents lie; a folder without a scheme is one of the home.

    Raises:
        SettingsError: the settings name no place that can be used.
    """
    said = settings.storage.artifacts.files
    return Files(said if "://" in said else (home / said).as_uri(), settings.storage.storj)
