"""How every program starts: open the brain, load the settings, open the store."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

from nervesys.contract import PathTemplate
from nervesys.errors import SettingsError
from nervesys.settings import Loaded, StartupSettings, Tree
from nervesys.settings.storage import StoreSettings
from nervesys.stores.encryption import FILE, set_identity
from nervesys.stores.objects import ObjectStore
from nervesys.stores.open_brain import open_tree
from nervesys.stores.reload import Reloader
from nervesys.stores.routed import RoutedStore
from nervesys.stores.trees import CONFIGURATION, GitTree, check_configured
from nervesys.stores.work_tree import WorkTree, open_work_tree

EARLIER_COMMITS, EARLIER_CONFIGURATIONS = 1000, 5
"""How many commits are searched for a valid configuration, and how many different ones are tried."""

log = logging.getLogger(__name__)

_RELOADERS: defaultdict[str, Reloader] = defaultdict(Reloader)
"""By program; the receiver reads its configuration again each minute."""


@dataclass(frozen=True)
class Configuration:
    """A brain with its valid settings.

    Attributes:
        place: home folder, brain and profile of the program.
        tree: the brain's files.
        loaded: settings and fleet.
    """

    place: StartupSettings
    tree: Tree
    loaded: Loaded


def load_configuration(
    program: str,
    environ: Mapping[str, str],
    *,
    home: str | None = None,
    brain: str | None = None,
    archive: str | None = None,
    also: Sequence[Callable[[Tree], object]] = (),
    checkout: bool = False,
    or_earlier: bool = False,
) -> Configuration:
    """Open the brain for a program and load the settings.

    Args:
        program: its name; each program has its own mirror of a Git brain.
        environ: environment variables.
        home: flag that wins over `NERVESYS_HOME`.
        brain: flag that wins over `NERVESYS_BRAIN`.
        archive: flag that wins over `NERVESYS_ARCHIVE`.
        also: readers of further files of the brain; see `nervesys.settings.loader`.
        checkout: read the files of a folder with `.git` as they lie on the disk, and not those of its branch.
        or_earlier: where the newest configuration of a Git brain is wrong, use the newest valid one before it, and log
            what is wrong: a mistake in one file must not end the monitoring of a whole fleet at the next restart.

    Raises:
        SettingsError: the configuration is wrong.
        BrainUnavailable: the brain cannot be read and no earlier copy is there.
    """
    place = StartupSettings.of(environ, home, brain)
    tree = (open_work_tree(place) if checkout else None) or open_tree(place, program, environ=environ)
    if isinstance(tree, WorkTree):
        check_configured(tree, str(tree.root))
    flags = {"NERVESYS_ARCHIVE": archive} if archive else {}
    load = partial(_RELOADERS[program].load, profile=place.profile, environ=environ, flags=flags, also=also)
    tree, loaded = _load_valid(tree, load) if or_earlier and isinstance(tree, GitTree) else (tree, load(tree))
    set_identity(loaded.settings.storage.encryption.identity, environ.get(FILE))
    return Configuration(place, tree, loaded)


def _load_valid(newest: GitTree, load: Callable[[Tree], Loaded]) -> tuple[GitTree, Loaded]:
    """The newest commit whose configuration can be loaded, and what was loaded.

    Raises:
        SettingsError: there is none; the mistakes are those of the newest commit.
    """
    try:
        return newest, load(newest)
    except SettingsError as err:
        wrong = err
    for tree in islice(_earlier_configurations(newest), EARLIER_CONFIGURATIONS):
        try:
            loaded = load(tree)
        except SettingsError:
            continue
        log.error(
            "commit %s of the brain is wrong, and the valid one before it is used, %s: %s",
            newest.commit[:12],
            tree.commit[:12],
            wrong,
        )
        return tree, loaded
    raise wrong


def _earlier_configurations(tree: GitTree) -> Iterator[GitTree]:
    """The commits before this one, newest first, without those that leave the configuration as it is."""
    seen = tree.version(CONFIGURATION[0])
    before = tree.before()
    for _ in range(EARLIER_COMMITS):
        if before is None:
            return
        version = before.version(CONFIGURATION[0])
        if version != seen:
            yield before
        before, seen = before.before(), version


def open_store(settings: StoreSettings) -> ObjectStore:
    """Open the store. Areas with credentials of their own are accessed with those only."""
    from nervesys.stores.s3 import S3Store  # boto3 takes 0.2 s to import, and most commands open no store

    paths = settings.paths
    accesses = (
        (paths.databases, settings.databases),
        (paths.active_logs, settings.logs),
        (paths.active_traces, settings.logs),
    )
    apart = {
        PathTemplate(area).prefix(): S3Store(settings.model_copy(update=own))
        for area, access in accesses
        if (own := access.model_dump(exclude_none=True))
    }
    common = S3Store(settings)
    return RoutedStore(common, apart) if apart else common
