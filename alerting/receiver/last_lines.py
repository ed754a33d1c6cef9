"""The last log lines of one agent, from the store: for people to read.

Not by `nervesys.logs`, which lists the servers first: of 10 000 servers that took 0.40 s a page instead of 0.02 s,
measured on a local S3 server; it also reads as many objects as the lines need, and a page has 1.5 s.

Reads   the listings of two days of one server; objects of the agent around the instant, few and small enough.
Errors  none are raised: a message says what is missing.
"""

from collections import deque
from collections.abc import Iterable, Iterator

from alerting.receiver.search_result import SearchResult
from nervesys.contract import Category, LogRecord, PathTemplate, agent_name
from nervesys.contract.paths import time_fields
from nervesys.contract.times import DAY_SECONDS
from nervesys.errors import BadObject, StoreUnavailable
from nervesys.stores.lines import lines_of
from nervesys.stores.objects import ObjectInfo, ObjectStore, too_large

LINES = 50
"""Lines shown, at most."""
OBJECTS = 6
"""Objects read, at most."""
OBJECT_BYTES = 4 << 20
"""Size of an object, packed, beyond which it is not read."""
INFLATED_BYTES = 32 << 20
TAIL = 2000
"""Lines at the end of an object that are looked at."""
SHIPPING_SECONDS = 3600
"""After so long, what was logged before an instant has been shipped to the store."""
DAYS = ("date", "year", "month", "iso_year", "week")


def last_lines(
    store: ObjectStore, template: PathTemplate, agent: str, server: str, until: float
) -> SearchResult[LogRecord]:
    """What an agent logged last, oldest first.

    Args:
        store: read only; blocks.
        template: of the area of logs.
        agent: its name.
        server: that it ran on; empty where it is not known.
        until: Unix seconds; what was logged later is left out.
    """
    if "server" in template.fields and not server:
        return SearchResult(missing="It is not known on which server it ran.")
    records: list[LogRecord] = []
    unread: list[str] = []
    try:
        for info in newest_first(find_objects(store, template, agent, server, until), until):
            if len(records) >= LINES:
                break
            try:
                records += _records(store, info, until)
            except BadObject as err:
                unread.append(str(err))
    except StoreUnavailable as err:
        return SearchResult(missing=f"The store cannot be read: {err}")
    missing = "" if records or unread else "The store holds no log lines of that day and the day before."
    records.sort(key=lambda record: record.timestamp)
    return SearchResult(tuple(records[-LINES:]), missing or "; ".join(unread))


def newest_first(found: Iterable[ObjectInfo], until: float) -> list[ObjectInfo]:
    """The objects that hold what was logged last before an instant.

    The first one that was shipped after it has the lines of the time between, or what a killed agent had in its buffer;
    later ones have only what came later.
    """
    objects = sorted(found, key=lambda info: info.modified)
    earlier = [info for info in objects if info.modified <= until]
    return [*objects[len(earlier) :][:1], *reversed(earlier)][:OBJECTS]


def find_objects(
    store: ObjectStore, template: PathTemplate, agent: str, server: str, until: float
) -> Iterator[ObjectInfo]:
    """The agent's objects of that day and the day before."""
    categories = (
        [category.value for category in Category if category is not Category.OTHER]
        if "category" in template.fields
        else [""]
    )
    folders = {
        template.prefix(server=server, agent=agent, category=category, **_day(at))
        for category in categories
        for at in (until, until - DAY_SECONDS)
    }
    for folder in folders:
        for info in store.list(folder).objects:
            if _agent_of(template, info.key) == agent and info.modified <= until + SHIPPING_SECONDS:
                yield info


def _day(at: float) -> dict[str, str]:
    fields = time_fields(at)
    return {name: fields[name] for name in DAYS}


def _agent_of(template: PathTemplate, key: str) -> str:
    """The agent that an object is of; empty where its key names none."""
    fields = template.parse(key)
    try:
        return agent_name(fields["agent"]) if fields else ""
    except BadObject:
        return ""


def _records(store: ObjectStore, info: ObjectInfo, until: float) -> list[LogRecord]:
    """The last records of an object; lines that are no records are left out.

    Raises:
        BadObject: it cannot be read, or is too large.
    """
    if info.size > OBJECT_BYTES:
        raise too_large(info.key, OBJECT_BYTES)
    with store.open(info.key) as stream:
        tail = deque(lines_of(stream, info.key, max_bytes=INFLATED_BYTES), maxlen=TAIL)
    records: deque[LogRecord] = deque(maxlen=LINES)
    for line in tail:
        try:
            record = LogRecord.parse(line)
        except BadObject:
            continue
        if record.timestamp <= until:
            records.append(record)
    return list(records)
