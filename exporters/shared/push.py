"""Sends the content of each counted object to a receiver, once: log records to a log database, traces to a collector.

An area adds an object to the queue when it counts it, so neither waits for the other. What is not sent yet stays in the
cache across restarts, with the number of lines that were sent.

Reads   one GET for each object of the queue.
Writes  one POST for each batch; a crash between a request and its note sends one batch twice.
Errors  StoreUnavailable is raised. A receiver that does not take a batch is tried again, after 5 s, 10 s, … 5 minutes.
        An object that cannot be read, and a batch that the receiver refuses for good, cost only themselves.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import requests

from exporters.runner import Refresh, SourceContext
from exporters.shared.push_queue import PushQueue
from exporters.shared.push_sender import PushFailed, PushRequest, RequestRefused, Sender
from nervesys.errors import BadObject, Reason
from nervesys.metrics import ConditionTerm, Family, Period, SourceArea
from nervesys.stores.lines import lines_of
from nervesys.stores.objects import ObjectReader

ACCEPTED, REJECTED = "accepted", "rejected"
PASS_SECONDS = 20.0
"""For one pass; what is left waits for the next."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 5.0, 300.0
DOUBLINGS = 10
"""Of the pause, at most: no float holds the thousandth."""
OPERATION = "push"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PushFamilies:
    """The families of one kind of data.

    Attributes:
        complete: time up to which everything was sent.
        items: sent since the start, by whether they were accepted.
    """

    complete: Family
    items: Family

    @property
    def all(self) -> tuple[Family, ...]:
        """Both."""
        return self.complete, self.items


def push_families(signal: str, items: str, origin: SourceArea) -> PushFamilies:
    """The families for one kind of data.

    Args:
        signal: its singular, such as `log`.
        items: what is counted, such as `records`.
        origin: the area that sends it.
    """
    term = ConditionTerm(word=f"{signal} push", kind="age", origin=origin, threshold=lambda t: t.logs_late_seconds)
    complete = Family(
        f"{signal}_push_complete_timestamp_seconds",
        "gauge",
        f"Time up to which all {signal} objects were sent to the configured receiver, by the store's clock.",
        period=Period.SHIP,
        conditions=(term,),
    )
    counted = Family(
        f"{signal}_push_{items}_total",
        "counter",
        f"{signal.capitalize()} {items} sent to the configured receiver since the exporter started, by outcome.",
        ("outcome",),
        period=Period.SHIP,
    )
    return PushFamilies(complete, counted)


@dataclass(frozen=True)
class PushBatch:
    """Some lines of an object as one request.

    Attributes:
        lines: how many lines it takes the place of, with those that are left out.
        items: how many records or lines it holds; 0 where there is nothing to send.
        request: what is sent.
        parts: smaller batches of the same lines, sent where the receiver refuses the whole; empty if there are none.
    """

    lines: int
    items: int
    request: PushRequest
    parts: tuple["PushBatch", ...] = ()


class PushTarget(Protocol):
    """One kind of data, and how a receiver takes it."""

    families: PushFamilies

    def batches(self, key: str, lines: Iterable[bytes]) -> Iterator[PushBatch]:
        """The lines of an object, from some line on, as batches.

        Raises:
            BadObject: the object's key is invalid.
        """

    def rejected(self, response: requests.Response) -> int:
        """How many items the receiver rejects in a successful response."""


class PushArea:
    """Works off the queue.

    Args:
        store: holds the objects; counts requests.
        context: settings, cache, clock.
        queue: of objects.
        target: the kind of data.
        sender: to the receiver.
        timer: seconds, for the limit of a pass.
    """

    def __init__(
        self,
        store: ObjectReader,
        context: SourceContext,
        queue: PushQueue,
        target: PushTarget,
        sender: Sender,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._context = store, context
        self._queue, self._target, self._sender, self._timer = queue, target, sender, timer
        self._items = Counter({ACCEPTED: 0, REJECTED: 0})
        self._failures, self._next_attempt = 0, 0.0
        context.health.expect(OPERATION)

    def refresh(self, out: Refresh) -> None:
        """One pass: send the oldest objects, unless the receiver is to be left alone for now."""
        now = self._context.clock()
        if now >= self._next_attempt:
            try:
                self._send_oldest(out)
                self._failures = 0
            except PushFailed as err:
                pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(self._failures, DOUBLINGS))
                self._failures, self._next_attempt = self._failures + 1, now + pause
                log.warning("%s; trying again in %g s", err, pause)
        out.backlog, first = self._queue.waiting()
        oldest = now if first is None else first
        samples = [self._target.families.complete.sample(min(oldest, now))]
        samples += [self._target.families.items.sample(items, outcome) for outcome, items in self._items.items()]
        out.put(OPERATION, (oldest, *self._items.items()), samples)

    def _send_oldest(self, out: Refresh) -> None:
        deadline = self._timer() + PASS_SECONDS
        while following := self._queue.oldest():
            for key, sent in following:
                try:
                    if not self._send_object(key, sent, deadline, out):
                        return
                except BadObject as bad:
                    out.reject(key, OPERATION, bad)
                self._queue.remove(key)

    def _send_object(self, key: str, sent: int, deadline: float, out: Refresh) -> bool:
        """Send the lines of an object that were not sent yet; returns whether all of them were."""
        with self._store.open(key) as stream:
            for batch in self._target.batches(key, islice(lines_of(stream, key), sent, None)):
                if self._context.stopping.is_set() or self._timer() > deadline:
                    return False
                self._send(batch, key, sent, out)
                sent += batch.lines
                self._queue.advance(key, sent)
        return True

    def _send(self, batch: PushBatch, key: str, line: int, out: Refresh) -> None:
        """Send a batch; what is refused for good is counted, and left out."""
        if not batch.items:
            return
        try:
            with self._context.health.request(OPERATION):
                response = self._sender.send(batch.request)
        except RequestRefused as refusal:
            for part in batch.parts:
                self._send(part, key, line, out)
                line += part.lines
            if not batch.parts:
                self._items[REJECTED] += batch.items
                out.reject(key, line, BadObject(Reason.BAD_VALUE, f"from line {line + 1} on {refusal}"))
            return
        rejected = max(0, min(self._target.rejected(response), batch.items))
        self._items[REJECTED] += rejected
        self._items[ACCEPTED] += batch.items - rejected
