"""Takes requests of OTLP into the buffer, or refuses them while it is full: what was accepted is never dropped."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from math import inf

from google.protobuf.message import Message

from nervesys.agent.logs.buffer import LogBuffer
from nervesys.agent.logs.handler import LoggedRecord
from nervesys.agent.logs.records import RecordRun
from nervesys.agent.telemetry.encoding import OtlpEncoder
from nervesys.clock import Clock
from nervesys.contract import Category, Level
from nervesys.contract.logs import LEVELS
from nervesys.contract.otlp_names import Signal
from nervesys.errors import NervesysError

SEVERITY = 20
"""INFO of the logging module."""
FULL_SECONDS = 30
"""After which a sender may try again while the buffer is full: a shipment makes room."""
LOG_SECONDS = 60.0
"""Between two log lines about losses."""
REQUESTS_A_SECOND, BURST = 500, 1000
"""More is refused for a second: a program that sends each span by itself would keep the agent busy."""

log = logging.getLogger(__name__)


class Refused(NervesysError):
    """A request that may be sent again.

    Attributes:
        seconds: after which it may be.
        overload: whether there were too many requests; else the buffer is full.
    """

    def __init__(self, problem: str, seconds: int, *, overload: bool) -> None:
        super().__init__(problem)
        self.seconds, self.overload = seconds, overload


class Intake:
    """Appends requests to a buffer; thread-safe.

    Args:
        buffer: of lines.
        encoder: encodes requests as lines.
        clock: timestamps them.
        observe: called with each accepted line of spans.
        on_loss: called with a reason and the number of items that were dropped or shortened.
    """

    def __init__(
        self,
        buffer: LogBuffer,
        encoder: OtlpEncoder,
        clock: Clock,
        observe: Callable[[bytes], None] = lambda _: None,
        on_loss: Callable[[str, int], None] = lambda _reason, _items: None,
    ) -> None:
        self._buffer, self._encoder, self._clock, self._observe = buffer, encoder, clock, observe
        self._on_loss, self._lost, self._logged_at = on_loss, Counter[str](), -inf
        self._lock = threading.Lock()
        self._allowance, self._allowed_at = float(BURST), time.monotonic()

    def check_rate(self) -> None:
        """Count a request.

        Raises:
            Refused: there were too many.
        """
        with self._lock:
            now = time.monotonic()
            self._allowance = min(BURST, self._allowance + (now - self._allowed_at) * REQUESTS_A_SECOND)
            self._allowed_at = now
            if self._allowance < 1:
                raise Refused(f"more than {REQUESTS_A_SECOND} requests a second", 1, overload=True)
            self._allowance -= 1

    def accept(self, signal: Signal, request: Message) -> Counter[str]:
        """Append a request, as a whole but for items that are too long; returns their number by what became of them.

        Raises:
            Refused: there is no room for it.
        """
        losses = Counter[str]()
        lines = list(self._encoder.lines(signal, request, losses))
        with self._lock:
            if not self._buffer.has_room(sum(map(len, lines))):
                raise Refused("the buffer is full, or the disk cannot be written", FULL_SECONDS, overload=False)
            for line in lines:  # bytes as characters, so that the sizes of texts in memory are those on the disk
                self._buffer.append(LoggedRecord(self._clock(), SEVERITY, signal.path, line.decode("latin-1")))
        if signal is Signal.TRACES:
            for line in lines:
                self._observe(line)
        for reason, items in losses.items():
            self.lose(reason, items)
        return losses

    def lose(self, reason: str, items: int) -> None:
        """Count items that were not stored as they were sent, and log it at most once a minute."""
        self._on_loss(reason, items)
        with self._lock:
            self._lost[reason] += items
            if (now := time.monotonic()) - self._logged_at < LOG_SECONDS:
                return
            lost, self._lost, self._logged_at = self._lost, Counter(), now
        text = ", ".join(f"{number} {what}" for what, number in sorted(lost.items()))
        log.warning("OpenTelemetry items were not stored as they were sent (a line has at most 1 MB): %s", text)


def runs(records: Iterable[LoggedRecord]) -> Iterator[RecordRun]:
    """One run for each line."""
    for record in records:
        line = record.message.encode("latin-1") + b"\n"
        yield RecordRun(record.at, LEVELS.index(Level.INFO), Category.ACTIVITY.value, 1, line)
