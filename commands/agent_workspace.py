"""`nervesys agent workspace`: versions of the files of a workspace on this host, and what differs between two."""

import difflib
from pathlib import Path
from typing import Annotated

import typer

from commands.options import BrainUrl, Home, open_settings
from nervesys.errors import NervesysError
from nervesys.plural import count
from nervesys.workspace.contents import Contents
from nervesys.workspace.segments import Segments
from nervesys.workspace.versions import NAME, Version, VersionIndex

app = typer.Typer(no_args_is_help=True, help="Show versions of the files of a workspace on this host.")

Project = Annotated[str, typer.Argument(metavar="PROJECT", help="Project, a folder of workspace.path.")]


@app.command()
def versions(
    project: Project,
    path: Annotated[str | None, typer.Argument(metavar="[PATH]", help="File (default: all files).")] = None,
    home: Home = None,
    brain: BrainUrl = None,
) -> None:
    """List the versions of a file, oldest first, or the newest version of each file.

    Example: `nervesys agent workspace versions apollo plans/12.md`
    """
    index, _ = _open(project, home, brain)
    found = _history(index, path) if path else [known[-1] for _, known in sorted(index.files.items())]
    for version in found:
        size = count(version.size, "byte") if version.hash else "deleted"
        typer.echo(f"{version.id}  {version.timestamp}  {version.author}  {size}  {version.path}")


@app.command()
def diff(
    project: Project,
    path: Annotated[str, typer.Argument(metavar="PATH", help="File of the workspace.")],
    old: Annotated[str | None, typer.Argument(metavar="[OLD]", help="Version (default: the one before NEW).")] = None,
    new: Annotated[str | None, typer.Argument(metavar="[NEW]", help="Version (default: the newest).")] = None,
    home: Home = None,
    brain: BrainUrl = None,
) -> None:
    """Print the unified diff of two versions of a file; nothing if they are equal.

    Example: `nervesys agent workspace diff apollo plans/12.md`
    """
    index, contents = _open(project, home, brain)
    known = _history(index, path)
    after = _find(known, new) if new else known[-1]
    before = _find(known, old) if old else next((version for version in known if version.id == after.prev), None)
    names = (f"{path} {before.id}" if before else "/dev/null"), f"{path} {after.id}"
    typer.echo("".join(difflib.unified_diff(_lines(contents, before), _lines(contents, after), *names)), nl=False)


def _open(project: str, home: str | None, brain: str | None) -> tuple[VersionIndex, Contents]:
    """Read the log of versions; nothing is written or locked."""
    base = open_settings("workspace", home=home, brain=brain)
    folder = base.place.home / base.loaded.settings.storage.workspace.path / Path(project).name / NAME
    if not folder.is_dir():
        raise NervesysError(f"open workspace {project}: there is no folder {folder}")
    index = VersionIndex(Segments(folder, NAME))
    index.refresh()
    return index, Contents(folder / "contents")


def _history(index: VersionIndex, path: str) -> list[Version]:
    if path not in index.files:
        raise NervesysError(f"find {path}: there is no such file in the workspace")
    return index.files[path]


def _find(known: list[Version], id_: str) -> Version:
    found = next((version for version in known if version.id == id_), None)
    if found is None:
        raise NervesysError(f"find {known[0].path}: it has no version {id_}")
    return found


def _lines(contents: Contents, version: Version | None) -> list[str]:
    body = contents.get(version.hash) if version and version.hash else b""
    return body.decode(errors="backslashreplace").splitlines(keepends=True)
