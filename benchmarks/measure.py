"""How the benchmarks measure and what they print: ratios against a baseline that ran here and now."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.table import Table


@dataclass(frozen=True)
class Cost:
    """What one run took.

    Attributes:
        wall: seconds.
        cpu: seconds of this process, all its threads.
    """

    wall: float
    cpu: float


def measure_best(run: Callable[[], object], times: int = 3) -> Cost:
    """The cheapest of several runs: the one that the rest of the machine disturbed least."""
    return min((measure_once(run) for _ in range(times)), key=lambda cost: cost.wall)


def measure_once(run: Callable[[], object]) -> Cost:
    """What a single run took."""
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


class BenchmarkReport:
    """A table of what was measured, with aims where there are any.

    Args:
        title: above the table.
    """

    def __init__(self, title: str) -> None:
        self.table = Table("what", "measured", "baseline", "ratio", "aim", title=title, title_justify="left")
        self.missed: list[str] = []

    def fact(self, what: str, measured: str) -> None:
        """A row without a ratio."""
        self.table.add_row(what, measured, "", "", "")

    def ratio(self, what: str, measured: float, baseline: float, *, at_most: float | None = None) -> None:
        """A row of seconds against seconds; `at_most` is the aim."""
        self._compared(what, measured, baseline, at_most, seconds)

    def share(self, what: str, part: int, whole: int, *, at_most: float | None = None) -> None:
        """A row of bytes against bytes; `at_most` is the aim."""
        self._compared(what, part, whole, at_most, lambda value: f"{value:,.0f} bytes")

    def _compared(
        self, what: str, measured: float, baseline: float, at_most: float | None, format_value: Callable[[float], str]
    ) -> None:
        ratio = measured / baseline
        aim = "" if at_most is None else f"≤ {_ratio(at_most)}"
        if at_most is not None and ratio > at_most:
            self.missed.append(what)
            aim = f"[red]{aim} missed[/]"
        self.table.add_row(what, format_value(measured), format_value(baseline), _ratio(ratio), aim)

    def within(self, what: str, measured: float, at_most: float) -> None:
        """A row of seconds that have a limit, whatever the machine."""
        aim = f"≤ {seconds(at_most)}"
        if measured > at_most:
            self.missed.append(what)
            aim = f"[red]{aim} missed[/]"
        self.table.add_row(what, seconds(measured), "", "", aim)

    def limit(self, what: str, measured: float, at_most: float) -> None:
        """A row of a count that has a limit."""
        if measured > at_most:
            self.missed.append(what)
        self.table.add_row(what, str(measured), "", "", f"≤ {at_most}")


def seconds(value: float) -> str:
    """A duration as people read it."""
    if value >= 1:
        return f"{value:.2f} s"
    return f"{value * 1000:.2f} ms" if value >= 1e-4 else f"{value * 1e6:.1f} µs"


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value >= 0.3 else f"1/{1 / value:.{1 if value > 0.1 else 0}f}"
