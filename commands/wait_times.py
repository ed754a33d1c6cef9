"""Where the time of a start goes."""

from collections.abc import Callable


class WaitTimes:
    """How long each part of a step was waited for.

    Args:
        timer: monotonic seconds.
    """

    def __init__(self, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._began: list[tuple[str, float]] = []

    def begin(self, part: str) -> None:
        """A part is waited for from now on; the same as before goes on."""
        if part and (not self._began or self._began[-1][0] != part):
            self._began.append((part, self._timer()))

    def summary(self) -> str:
        """In brackets, the parts that took at least a second, in their order; empty if there are none."""
        ends = [*(at for _, at in self._began[1:]), self._timer()]
        spent = [(part, end - at) for (part, at), end in zip(self._began, ends, strict=False)]
        shown = ", ".join(f"{part} {seconds:.0f}" for part, seconds in spent if seconds >= 1)
        return f" ({shown})" if shown else ""
