"""Opens the brain that a program is given: a Git repository, a plain folder, or the shipped example."""

import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path

from nervesys.errors import SettingsError, SettingsProblem
from nervesys.settings import VARIABLES, FolderTree, StartupSettings, Tree, load, shipped_root
from nervesys.settings.storage import BrainSettings
from nervesys.settings.urls import has_credentials
from nervesys.settings.variables import value_of
from nervesys.stores.brain import GitBrain
from nervesys.stores.mirror import mirror_url
from nervesys.stores.trees import check_configured

log = logging.getLogger(__name__)


def open_brain(
    place: StartupSettings,
    program: str,
    settings: BrainSettings | None = None,
    environ: Mapping[str, str] = os.environ,
    *,
    depth: int | None = None,
) -> GitBrain | None:
    """Open the brain as a Git repository; None if it is a plain folder, such as the shipped example.

    Args:
        place: names the brain and the folder of mirrors.
        program: name of the mirror.
        settings: None before the brain has been read: then defaults and environment are used.
        environ: environment variables.
        depth: see `GitBrain`.

    Raises:
        SettingsError: it names a folder that does not exist, and of which there is no mirror; or its URL holds a token
            or a password, which process lists and files of services would show.
    """
    if place.brain is None:
        return None
    if has_credentials(place.brain):
        problem = "the URL holds a token or a password, which others may see; put a token in GITHUB_TOKEN"
        raise SettingsError([SettingsProblem("brain", "", problem)])
    url, mirror = _url(place.brain), place.mirror(program)
    gone = not Path(url).exists() and mirror_url(mirror) == url
    if not gone and plain_folder(place.brain):
        return None
    settings = settings or _settings_before_brain(environ)
    return GitBrain(
        url,
        mirror,
        branch=settings.branch,
        state_branch=settings.state_branch,
        timeout_seconds=settings.timeout_seconds,
        token=settings.token.get_secret_value() if settings.token else None,
        depth=depth,
    )


def open_folder(place: StartupSettings) -> FolderTree:
    """Open the brain as a plain folder: the configured one, or the shipped example."""
    return FolderTree(Path(place.brain) if place.brain else shipped_root())


def open_tree(
    place: StartupSettings, program: str, settings: BrainSettings | None = None, environ: Mapping[str, str] = os.environ
) -> Tree:
    """Open the newest configuration: of a folder, the shipped example, or a Git repository.

    If the repository cannot be reached, the last good copy is used, and a warning is logged.

    Args:
        place: names the brain and the folder of mirrors.
        program: name of the mirror.
        settings: see `open_brain`.
        environ: environment variables.

    Raises:
        SettingsError: it names a folder that does not exist.
        BrainUnavailable: it cannot be read or has no `config/`, and there is no earlier copy.
    """
    brain = open_brain(place, program, settings, environ)
    if brain is None:
        folder = open_folder(place)
        check_configured(folder, str(folder.root))
        return folder
    newest = brain.newest()
    if newest.outdated:
        log.warning("%s", newest.outdated)
    return newest.tree


def plain_folder(brain: str) -> bool:
    """Whether a brain is a plain folder; a folder with `.git` and a bare repository are repositories.

    Raises:
        SettingsError: it is neither a URL nor an existing folder.
    """
    path = Path(brain)
    if path.is_dir():
        return not ((path / ".git").exists() or (path / "HEAD").is_file())
    if _is_url(brain):
        return False
    brain = brain.rpartition("@")[2]  # a password in a mistyped URL is not printed
    raise SettingsError([SettingsProblem("brain", "", f"{brain} is neither a URL nor an existing folder")])


def _url(brain: str) -> str:
    """The URL of a brain, or the absolute path of a folder."""
    return brain if _is_url(brain) else str(Path(brain).absolute())


def _is_url(brain: str) -> bool:
    return "://" in brain or re.fullmatch(r"[\w.-]+@[\w.-]+:.+", brain) is not None


def _settings_before_brain(environ: Mapping[str, str]) -> BrainSettings:
    """Access settings before the brain is read. Mistakes in the environment are reported later, by `load`."""
    own = [variable for variable in VARIABLES if variable.field[:2] == ("storage", "brain")]
    values = {variable.field[-1]: value_of(variable.name, environ, []) for variable in own}
    shipped = dict(load().settings.storage.brain)
    return BrainSettings.model_validate(
        shipped | {key: value.value for key, value in values.items() if value is not None}
    )
