"""What every program starts from: a place, a brain, checked settings; and the store and archive that these name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from nervesys.contract import PathTemplate
from nervesys.errors import Mistake, NervesysError, SettingsError
from nervesys.settings import Loaded, Place, Tree, load
from nervesys.settings.storage import Archive as ArchiveSettings
from nervesys.settings.storage import Store as StoreSettings
from nervesys.stores.archive import Archive
from nervesys.stores.brain import open_tree
from nervesys.stores.folder import FolderArchive
from nervesys.stores.objects import ObjectStore
from nervesys.stores.routed import RoutedStore
from nervesys.stores.s3 import S3Store
from nervesys.stores.sealing import FILE, hold


@dataclass(frozen=True)
class Opened:
    """A brain that was read and found right.

    Attributes:
        place: where the program lives.
        tree: the brain's files.
        loaded: settings and fleet.
    """

    place: Place
    tree: Tree
    loaded: Loaded


def opened(
    program: str,
    environ: Mapping[str, str],
    *,
    home: str | None = None,
    brain: str | None = None,
    archive: str | None = None,
    also: Sequence[Callable[[Tree], object]] = (),
) -> Opened:
    """Open the brain for a program and load the settings.

    Args:
        program: its name; a Git brain is mirrored for each program apart.
        environ: environment variables.
        home: flag that wins over `NERVESYS_HOME`.
        brain: flag that wins over `NERVESYS_BRAIN`.
        archive: flag that wins over `NERVESYS_ARCHIVE`.
        also: readers of further files of the brain; see `nervesys.settings.load`.

    Raises:
        SettingsError: the configuration is wrong.
        BrainUnavailable: the brain cannot be read and no earlier copy is there.
    """
    place = Place.of(environ, home, brain)
    tree = open_tree(place, program, environ=environ)
    flags = {"NERVESYS_ARCHIVE": archive} if archive else {}
    loaded = load(tree, profile=place.profile, environ=environ, flags=flags, also=also)
    hold(loaded.settings.storage.encryption.identity, environ.get(FILE))
    return Opened(place, tree, loaded)


def open_store(settings: StoreSettings) -> ObjectStore:
    """The store that the settings name; areas with an access of their own are reached by that one alone."""
    paths = settings.paths
    accesses = ((paths.databases, settings.databases), (paths.active_logs, settings.logs))
    apart = {
        PathTemplate(area).prefix(): S3Store(settings.model_copy(update=own))
        for area, access in accesses
        if (own := access.model_dump(exclude_none=True))
    }
    common = S3Store(settings)
    return RoutedStore(common, apart) if apart else common


def open_archive(settings: ArchiveSettings, *, writable: bool = False) -> Archive:
    """The archive that the settings name.

    Args:
        settings: where it is and how to get in.
        writable: asks for the right to write as well.

    Raises:
        SettingsError: the URL or the key is wrong.
        NervesysError: a package that it needs is not installed; says which extra holds it.
    """
    scheme, _, rest = (settings.url or "gdrive://").partition("://")
    if scheme == "file" and rest.startswith("/"):
        return FolderArchive(Path(unquote(rest)))
    folder = rest.strip("/") or settings.folder_id
    if scheme == "gdrive" and folder:
        try:
            from nervesys.stores.drive import open_drive  # the extra of those who use a folder need not hold it
        except ModuleNotFoundError as err:
            raise NervesysError(
                f"gdrive:// needs the package {err.name}: pip install 'nervesys-observability[drive]'"
            ) from err
        return open_drive(settings, folder, writable=writable)
    problem = "say file:///path or gdrive://FOLDER_ID, in NERVESYS_ARCHIVE or here"
    raise SettingsError([Mistake("config/storage.yaml", "archive.url", problem)])
