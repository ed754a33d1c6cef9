"""Area `workspace`: all projects of a folder."""

from collections.abc import Sequence
from pathlib import Path

from exporters.runner import Cache, Refresh
from exporters.workspace.counts import HistoryCounts
from exporters.workspace.project import ProjectReader
from nervesys.contract.names import project_name
from nervesys.errors import BadObject, NervesysError, Reason, SourceError

AREA = "workspace"


class WorkspaceArea:
    """All projects of a folder.

    Args:
        path: of the folder.
        cache: remembers what was read of each history.
    """

    def __init__(self, path: Path, cache: Cache) -> None:
        self._path, self._cache = path, cache
        self._projects: dict[str, ProjectReader] = {}

    def refresh(self, out: Refresh) -> None:
        """One pass: read on in each project.

        Raises:
            SourceError: the folder cannot be read.
        """
        try:
            names = self._list_names(out)
            gone = self._projects.keys() - set(names)
            for name in gone:
                del self._projects[name]
            self._open([name for name in names if name not in self._projects])
            out.backlog = 0
            out.keep_only([key for name in names for key in (name, f"{name}/")])
            for name, project in self._projects.items():
                try:
                    out.backlog += project.read()
                    self._put(out, name, project)
                except NervesysError as err:
                    out.reject(name, str(err), BadObject(Reason.UNREADABLE, str(err)))
        except OSError as err:
            raise SourceError(f"read {self._path}: {err.strerror}") from err
        rows = [(name, "", project.counts.to_json()) for name, project in self._projects.items()]
        self._cache.keep_bodies(AREA, rows, gone)

    def _put(self, out: Refresh, name: str, project: ProjectReader) -> None:
        samples = tuple(project.samples(name))
        out.put(name, samples, samples)
        try:
            newest = tuple(project.newest_snapshot(name))
            out.put(f"{name}/", newest, newest)
        except BadObject as bad:
            out.reject(f"{name}/snapshots", str(bad), bad)

    def _list_names(self, out: Refresh) -> list[str]:
        names = []
        for folder in sorted(self._path.iterdir()) if self._path.exists() else ():
            try:
                if folder.is_dir() and project_name(folder.name) == folder.name:
                    names.append(folder.name)
            except BadObject as bad:
                out.reject(folder.name, "", bad)
        return names

    def _open(self, names: Sequence[str]) -> None:
        """Begin to read projects, each where an earlier start of the exporter left off."""
        cached = {key: body for key, _, body in self._cache.bodies(AREA)} if names else {}
        for name in names:
            body = cached.get(name)
            self._projects[name] = ProjectReader(
                self._path / name, HistoryCounts.from_json(body) if body else HistoryCounts()
            )
