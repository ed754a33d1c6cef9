"""Where manifests and contents are stored, as the settings say."""

from pathlib import Path

from nervesys.artifacts.files import Files
from nervesys.settings import Settings, StartupSettings


def database_url(place: StartupSettings, settings: Settings) -> str:
    """URL of the database of manifests."""
    said = settings.storage.artifacts.database
    return said.get_secret_value() if said else f"sqlite:///{place.manifests}"


def open_files(home: Path, settings: Settings) -> Files:
    """The storage of the contents; a path without a scheme is a folder below the home.

    Raises:
        SettingsError: the storage that the settings name cannot be used.
    """
    said = settings.storage.artifacts.files
    return Files(said if "://" in said else (home / said).as_uri(), settings.storage.storj)
