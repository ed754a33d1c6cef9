"""The files of a Git commit, as a `nervesys.settings.Tree`, and commits that change only some of them."""

from collections.abc import Mapping

import pygit2
from pygit2.enums import FileMode, ObjectType

from nervesys.errors import BrainUnavailable
from nervesys.settings import Tree
from nervesys.stores.git_errors import git_errors
from nervesys.stores.objects import too_large

FOLDER_BYTES = 8 << 20
"""Largest Git tree that is read, some 150 000 files in one folder; a few kilobytes can unpack to far more."""
CONFIGURATION = ("config", "config/agents")
"""Folders of which a brain has files in at least one."""
Entry = tuple[pygit2.Oid, int]
"""Id and type of a file or folder."""


class GitTree:
    """The files of one commit. Each folder is parsed once, so that reading all its files takes linear time.

    Attributes:
        commit: the commit's id, in hex.
    """

    def __init__(self, repository: pygit2.Repository, commit: pygit2.Commit) -> None:
        self._repository = repository
        self._folders: dict[str, dict[str, Entry]] = {}
        self._root = commit.tree_id
        self.commit = str(commit.id)

    def before(self) -> "GitTree | None":
        """The files of the commit's first parent; None if it has none, or the mirror holds only newer commits."""
        with git_errors(f"read the parent of commit {self.commit[:12]}"):
            commit = self._repository[self.commit].peel(pygit2.Commit)
            parent = commit.parent_ids[0] if commit.parent_ids else None
            if parent is None or parent not in self._repository:
                return None
            return GitTree(self._repository, self._repository[parent].peel(pygit2.Commit))

    def version(self, folder: str) -> str | None:
        """The id of a folder's whole content; None if there is no such folder.

        Raises:
            BadObject: see `versions`.
            BrainUnavailable: the mirror is damaged.
        """
        found = self._entry(folder)
        return str(found[0]) if found else None

    def has_file(self, path: str) -> bool:
        """Whether there is such a file; its content is not read."""
        found = self._entry(path)
        return found is not None and found[1] == ObjectType.BLOB

    def read(self, path: str, *, max_bytes: int | None = None) -> bytes | None:
        """The file's content; None if there is no such file.

        Raises:
            BadObject: `too_large` if it is larger than `max_bytes`; it is not loaded then.
            BrainUnavailable: the mirror is damaged.
        """
        found = self._entry(path)
        if found is None or found[1] != ObjectType.BLOB:
            return None
        with git_errors(f"read {path} of commit {self.commit[:12]}"):
            if max_bytes is not None and self._repository.odb.read_header(found[0])[1] > max_bytes:
                raise too_large(path, max_bytes)
            blob = self._repository[found[0]]
            return blob.data if isinstance(blob, pygit2.Blob) else None

    def names(self, folder: str) -> list[str]:
        """The names of the files in a folder, sorted; empty where there is none."""
        return sorted(self.versions(folder))

    def folders(self, folder: str) -> list[str]:
        """The names of the folders in a folder, sorted; empty where there is none."""
        return sorted(name for name, (_, kind) in self._entries(folder).items() if kind == ObjectType.TREE)

    def versions(self, folder: str) -> dict[str, str]:
        """The files in a folder, each with the id of its content (Git blob).

        Raises:
            BadObject: `too_large` if the folder has more entries than any that programs write.
            BrainUnavailable: the mirror is damaged.
        """
        entries = self._entries(folder)
        return {name: str(oid) for name, (oid, kind) in entries.items() if kind == ObjectType.BLOB}

    def _entry(self, path: str) -> Entry | None:
        folder, _, name = path.rpartition("/")
        return self._entries(folder).get(name)

    def _entries(self, folder: str) -> dict[str, Entry]:
        """Everything in a folder by name; empty if there is no such folder."""
        if folder not in self._folders:
            found = self._entry(folder) if folder else (self._root, ObjectType.TREE)
            is_folder = found is not None and found[1] == ObjectType.TREE
            self._folders[folder] = self._parse(folder, found[0]) if found and is_folder else {}
        return self._folders[folder]

    def _parse(self, folder: str, oid: pygit2.Oid) -> dict[str, Entry]:
        with git_errors(f"read {folder}/ of commit {self.commit[:12]}"):
            tree = bounded_tree(self._repository, oid, folder)
            return {
                name: (child.id, child.type)
                for child in tree
                if (name := (child.raw_name or b"").decode(errors="replace"))
            }


class EmptyTree:
    """A brain without any commit."""

    def read(self, path: str, *, max_bytes: int | None = None) -> bytes | None:
        """None: there are no files."""
        return None

    def names(self, folder: str) -> list[str]:
        """None at all."""
        return []


def check_configured(tree: Tree, where: str) -> None:
    """Check that a brain has a configuration: a missing folder is a fault, and not a fleet without agents.

    Args:
        tree: the brain's files.
        where: names it, for the message.

    Raises:
        BrainUnavailable: it has no `config/`.
    """
    if not any(tree.names(folder) for folder in CONFIGURATION):
        raise BrainUnavailable(f"read {where}: there is no folder config/ with files in it")


def bounded_tree(repository: pygit2.Repository, oid: pygit2.Oid, folder: str) -> pygit2.Tree:
    """The Git tree of a folder.

    Raises:
        BadObject: `too_large` if it is larger than `FOLDER_BYTES`; it is not loaded then.
    """
    if repository.odb.read_header(oid)[1] > FOLDER_BYTES:
        raise too_large(f"{folder}/", FOLDER_BYTES)
    tree = repository[oid]
    assert isinstance(tree, pygit2.Tree), "its entry is of type tree"
    return tree


def write_tree(
    repository: pygit2.Repository, root: pygit2.Oid | None, files: Mapping[str, bytes], folder: str = ""
) -> pygit2.Oid:
    """Write a tree with some files replaced; only the folders on their paths are read.

    Args:
        repository: takes the new objects.
        root: the tree to change; None for an empty one.
        files: content by path. A file in place of a folder of that path is replaced, and so is a folder in its place.
        folder: path of this tree, for messages.

    Raises:
        BadObject: `too_large` if a folder on a path is too large to be rewritten.
    """
    tree = None if root is None else bounded_tree(repository, root, folder)
    builder = repository.TreeBuilder() if tree is None else repository.TreeBuilder(tree)
    below: dict[str, dict[str, bytes]] = {}
    for path, body in files.items():
        name, slash, rest = path.partition("/")
        if slash:
            below.setdefault(name, {})[rest] = body
        else:
            builder.insert(name, repository.create_blob(body), FileMode.BLOB)
    for name, inner in below.items():
        entry = builder.get(name)
        old = entry.id if entry is not None and entry.type == ObjectType.TREE else None
        builder.insert(name, write_tree(repository, old, inner, f"{folder}/{name}".lstrip("/")), FileMode.TREE)
    return builder.write()
