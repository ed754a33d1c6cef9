"""Renders the samples of each object once, and joins the texts at each refresh.

As in kube-state-metrics, the rendered text of an object is kept until the object changes. The texts of about a hundred
objects form a chunk, which is kept joined and compressed until one of them changes.
"""

from collections.abc import Iterable

from nervesys.metrics.family import Family, Sample, number
from nervesys.metrics.snapshot import MetricsSnapshot, Packed, pack

CHUNK_KEYS = 128
"""Objects in a chunk: a larger chunk compresses better, but more is compressed again after one change."""


class _Chunk:
    """The texts of some objects by family, with their compressed form while it is valid."""

    def __init__(self, families: Iterable[Family]) -> None:
        self.keys: set[str] = set()
        self._texts: dict[Family, dict[str, str]] = {family: {} for family in families}
        self._packed: dict[Family, Packed] = {}

    def put(self, key: str, rendered: dict[Family, str]) -> None:
        """Set an object's texts; families whose text has not changed stay compressed."""
        for family, texts in self._texts.items():
            text = rendered.get(family, "")
            if texts.get(key, "") == text:
                continue
            self._packed.pop(family, None)
            if text:
                texts[key] = text
            else:
                del texts[key]

    def packed(self, family: Family) -> Packed:
        """A family's texts, joined and compressed."""
        if family not in self._packed:
            self._packed[family] = pack("".join(self._texts[family].values()).encode())
        return self._packed[family]


class Fragments:
    """The rendered text of objects, by family.

    Args:
        families: all families that may be rendered, in the order of exposition.
    """

    def __init__(self, families: Iterable[Family]) -> None:
        self._headers = {family: pack(family.header().encode()) for family in families}
        self._chunks: list[_Chunk] = []
        self._place: dict[str, _Chunk] = {}
        self._series: dict[str, list[int]] = {}
        self._owned: set[int] = set()
        """The hashes of all series: of 300 000, the texts take 40 MB, and two hashes are equal once in 10^9 starts."""
        self._exemplars: dict[str, dict[str, str]] = {}

    def put(self, key: str, samples: Iterable[Sample]) -> list[str]:
        """Replace an object's samples.

        Returns:
            Series that were refused because another object exposes them; Prometheus would silently keep one of both.

        Raises:
            KeyError: a sample's family is not in this table.
        """
        rendered_samples = [(sample, sample.series()) for sample in samples]
        lines = [(sample.family, series, sample.value) for sample, series in rendered_samples]
        self._exemplars.pop(key, None)
        if exemplars := {series: sample.exemplar for sample, series in rendered_samples if sample.exemplar}:
            self._exemplars[key] = exemplars
        rendered: dict[Family, str] = {}
        refused: list[str] = []
        owned = self._own(key, [hash(series) for _, series, _ in lines])
        for (family, series, value), mine in zip(lines, owned, strict=True):
            if mine:
                rendered[family] = f"{rendered.get(family, '')}{series} {number(value)}\n"
            else:
                refused.append(series)
        for family in rendered.keys() - self._headers.keys():
            raise KeyError(family.name)
        self._chunk_of(key).put(key, rendered)
        return refused

    def drop(self, key: str) -> None:
        """Remove an object; unknown keys are ignored."""
        chunk = self._place.pop(key, None)
        if chunk is not None:
            self._own(key, [])
            del self._series[key]
            self._exemplars.pop(key, None)
            chunk.put(key, {})
            chunk.keys.remove(key)

    @property
    def series(self) -> int:
        """How many series there are."""
        return len(self._owned)

    def keys(self) -> set[str]:
        """The keys of all objects."""
        return set(self._series)

    def snapshot(self) -> MetricsSnapshot:
        """All texts, joined by family; families without samples are left out."""
        parts: list[Packed] = []
        for family, header in self._headers.items():
            packed = [chunk.packed(family) for chunk in self._chunks]
            if any(plain for plain, _ in packed):
                parts += [header, *packed]
        exemplars = {series: text for of_key in self._exemplars.values() for series, text in of_key.items()}
        return MetricsSnapshot(tuple(parts), len(self._owned), exemplars)

    def _own(self, key: str, wanted: list[int]) -> list[bool]:
        """Make an object the owner of these series only; returns for each whether it was free."""
        held = self._series.get(key, [])
        if held == wanted:
            return [True] * len(wanted)
        self._owned.difference_update(held)
        self._series[key] = mine = []
        free = []
        for series in wanted:
            free.append(series not in self._owned)
            if free[-1]:
                self._owned.add(series)
                mine.append(series)
        return free

    def _chunk_of(self, key: str) -> _Chunk:
        if key not in self._place:
            if not self._chunks or len(self._chunks[-1].keys) >= CHUNK_KEYS:
                self._chunks.append(_Chunk(self._headers))
            self._place[key] = self._chunks[-1]
            self._place[key].keys.add(key)
        return self._place[key]
