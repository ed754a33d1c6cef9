"""Where history goes."""

from collections.abc import Iterable
from typing import Protocol

from exporters.history.progress import BackfillProgress
from exporters.history.reading import ReadResult


class Target(Protocol):
    """Where samples go."""

    progress: BackfillProgress
    ticks: int
    """Of a second, in timestamps."""

    def take(self, reads: Iterable[ReadResult]) -> None:
        """Take samples in; when this returns, they are there and remembered.

        Raises:
            NervesysError: it could not be done; what was not taken in is not remembered.
        """

    def dropped_samples(self) -> float:
        """Samples that it has dropped since it started, for they are older than it keeps."""

    def close(self) -> None:
        """Release the target."""
