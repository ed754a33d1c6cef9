"""What an extra brings, as an install of it alone would: linked out of the packages that are installed here.

The requirements are those that the wheels themselves name, with their markers; nothing else can be imported.
"""

from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = "nervesys-observability"
ROOT = Path(__file__).parents[2]
PACKAGES = ("alerting", "commands", "dashboards", "exporters", "nervesys", "reports")


def extras() -> list[str]:
    """The extras that users install; tests are nobody's but ours."""
    return sorted(set(distribution(PROJECT).metadata.get_all("Provides-Extra") or ()) - {"test"})


def site(folder: Path, *chosen: str) -> list[Distribution]:
    """Lay out a site-packages folder with the project, some of its extras, and all that these need.

    Args:
        folder: made; for `sys.path`.
        chosen: extras.

    Returns:
        The distributions that were linked, without the project itself.
    """
    folder.mkdir(parents=True)
    for package in PACKAGES:
        (folder / package).symlink_to(ROOT / package)
    _link(distribution(PROJECT), folder, only=".dist-info")
    found = {package.metadata["Name"]: package for package in _needed(PROJECT, frozenset(chosen), set())}
    for needed in found.values():
        _link(needed, folder)
    return list(found.values())


def _needed(name: str, chosen: frozenset[str], seen: set[tuple[str, frozenset[str]]]) -> Iterator[Distribution]:
    """The distributions that a distribution with some of its extras requires, and theirs."""
    for text in distribution(name).requires or ():
        wanted = Requirement(text)
        marked = wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in (chosen or {""}))
        key = (canonicalize_name(wanted.name), frozenset(wanted.extras))
        if not marked or key in seen:
            continue
        seen.add(key)
        if key[0] != PROJECT:
            yield distribution(wanted.name)
        yield from _needed(wanted.name, key[1], seen)


def _link(package: Distribution, folder: Path, only: str = "") -> None:
    """Link a distribution to its place: whole packages, so that what is compiled already is used; else each file."""
    for file in package.files or ():
        if ".." in file.parts or only not in file.parts[0]:
            continue
        top = Path(str(package.locate_file(file.parts[0])))
        linked = Path(file.parts[0]) if (top / "__init__.py").exists() else Path(*file.parts)
        place = folder / linked
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            place.symlink_to(str(package.locate_file(linked)))


def size(distributions: list[Distribution]) -> int:
    """Bytes that distributions take once they are installed."""
    places = (Path(str(package.locate_file(file))) for package in distributions for file in package.files or ())
    return sum(place.stat().st_size for place in places if place.is_file())
