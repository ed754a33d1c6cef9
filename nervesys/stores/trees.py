"""The files of a Git commit, as a `nervesys.settings.Tree`."""

import pygit2

from nervesys.stores.objects import too_large


class GitTree:
    """The files of one commit.

    Attributes:
        commit: the commit's id, in hex.
    """

    def __init__(self, repository: pygit2.Repository, commit: pygit2.Commit) -> None:
        self._repository = repository
        self._root = commit.tree
        self._folders: dict[str, dict[str, pygit2.Object]] = {}
        self.commit = str(commit.id)

    def read(self, path: str, *, max_bytes: int | None = None) -> bytes | None:
        """The file's content; None if there is no such file.

        Raises:
            BadObject: `too_large` if it is larger than `max_bytes`; it is not loaded then.
        """
        entry = self._entry(path)
        if not isinstance(entry, pygit2.Blob):
            return None
        if max_bytes is not None and self._repository.odb.read_header(entry.id)[1] > max_bytes:
            raise too_large(path, max_bytes)
        return entry.data

    def names(self, folder: str) -> list[str]:
        """The names of the files in a folder, sorted; empty where there is none."""
        return sorted(self.versions(folder))

    def versions(self, folder: str) -> dict[str, str]:
        """The files in a folder, each with the id of its content (Git blob)."""
        entries = self._entries(folder)
        return {name: str(child.id) for name, child in entries.items() if isinstance(child, pygit2.Blob)}

    def _entry(self, path: str) -> pygit2.Object | None:
        folder, _, name = path.rpartition("/")
        return self._entries(folder).get(name)

    def _entries(self, folder: str) -> dict[str, pygit2.Object]:
        """The entries of a folder by name; remembered, because Git reads a whole folder to find one of its files."""
        known = self._folders.get(folder)
        if known is None:
            tree = self._entry(folder) if folder else self._root
            children = tree if isinstance(tree, pygit2.Tree) else ()
            known = self._folders[folder] = {child.name: child for child in children if child.name}
        return known


class EmptyTree:
    """A brain without any commit."""

    def read(self, path: str) -> bytes | None:
        """None: there are no files."""
        return None

    def names(self, folder: str) -> list[str]:
        """None at all."""
        return []


def changed_files(commit: pygit2.Commit, folder: str) -> list[str]:
    """The files of a folder that a commit changed against its parent, sorted; a merge changes none by itself."""
    if len(commit.parents) > 1:
        return []
    there = [tree for tree in (_subtree(it, folder) for it in (commit, *commit.parents)) if tree is not None]
    if not there:
        return []
    diff = there[0].diff_to_tree() if len(there) == 1 else there[0].diff_to_tree(there[1])
    return sorted(f"{folder}/{delta.new_file.path}" for delta in diff.deltas)


def _subtree(commit: pygit2.Commit, folder: str) -> pygit2.Tree | None:
    try:
        entry = commit.tree[folder]
    except KeyError:
        return None
    return entry if isinstance(entry, pygit2.Tree) else None
