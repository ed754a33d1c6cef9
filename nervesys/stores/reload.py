"""Loads the settings of a brain that is read again and again; the work is done only where something changed."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace

from nervesys.settings import VARIABLES, Loaded, Tree, load
from nervesys.settings.variables import value_of
from nervesys.stores.trees import GitTree


class Reloader:
    """Remembers what was loaded last. A plain folder has no commit, and is loaded each time."""

    def __init__(self) -> None:
        self._key: Hashable = None
        self._loaded: Loaded | None = None

    def load(
        self,
        tree: Tree,
        *,
        profile: str | None,
        environ: Mapping[str, str],
        flags: Mapping[str, str] | None = None,
        also: Sequence[Callable[[Tree], object]] = (),
        only: str | None = None,
    ) -> Loaded:
        """As `nervesys.settings.load`; the last result if nothing changed that it depends on.

        Raises:
            SettingsError: with every mistake found; the next call loads again.
        """
        key = self._key_of(tree, profile, environ, flags or {}, also, only)
        if key is None or key != self._key or self._loaded is None:
            self._key = None
            loaded = load(tree, profile=profile, environ=environ, flags=flags, also=also, only=only)
            self._loaded = replace(loaded, commit=tree.commit) if isinstance(tree, GitTree) else loaded
            self._key = key
        return self._loaded

    @staticmethod
    def _key_of(
        tree: Tree,
        profile: str | None,
        environ: Mapping[str, str],
        flags: Mapping[str, str],
        also: Sequence[Callable[[Tree], object]],
        only: str | None,
    ) -> Hashable:
        """Everything that the result depends on."""
        if not isinstance(tree, GitTree):
            return None
        values = tuple(value_of(variable.name, environ, []) for variable in VARIABLES)
        return tree.commit, profile, frozenset(environ.items()), values, frozenset(flags.items()), tuple(also), only
