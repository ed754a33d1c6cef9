"""Opens the archive. A module of its own, because processes that read the archive pay for each import."""

from pathlib import Path
from urllib.parse import unquote

from nervesys.errors import NervesysError, SettingsError, SettingsProblem
from nervesys.settings.storage import ArchiveSettings
from nervesys.stores.archive import Archive
from nervesys.stores.folder import FolderArchive


def open_archive(settings: ArchiveSettings, *, writable: bool = False) -> Archive:
    """The archive that the settings name.

    Args:
        settings: URL and credentials.
        writable: whether the credentials must permit writing.

    Raises:
        SettingsError: the URL or the key is wrong.
        NervesysError: a package that it needs is not installed; the message names the extra.
    """
    scheme, _, rest = (settings.url or "gdrive://").partition("://")
    if scheme == "file" and rest.startswith("/"):
        return FolderArchive(Path(unquote(rest)))
    folder = rest.strip("/") or settings.folder_id
    if scheme == "gdrive" and folder:
        try:
            from nervesys.stores.drive import open_drive  # only the extra `drive` has its packages
        except ModuleNotFoundError as err:
            raise NervesysError(
                f"gdrive:// needs the package {err.name}: pip install 'nervesys-observability[drive]'"
            ) from err
        return open_drive(settings, folder, writable=writable)
    problem = "set file:///path or gdrive://FOLDER_ID, in NERVESYS_ARCHIVE or here"
    raise SettingsError([SettingsProblem("config/storage.yaml", "archive.url", problem)])
