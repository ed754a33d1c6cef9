"""Counts each object of a dated area of the store once: logs, and likewise traces.

Reads   a pass: one LIST for the servers, one for each server's folder of today, two for days that are over, and one GET
        for each new object, several at a time, however many days there are. At start, one LIST for each server and
        each folder that is not known yet; in turns where there are many.
Units   counts, seconds.
Errors  StoreUnavailable is raised; what was read before it is kept, and counted once.
        BadObject costs one object, a bad line itself; both are counted by reason.
        An object, and a pass, have a bound of CPU time; agents take turns, so that none delays the others.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from sqlite3 import Connection

from exporters.runner import Refresh, SourceContext
from exporters.shared.counting import OTHER, Counting, Sums
from exporters.store.fetches import Fetches, Retries
from exporters.store.folder_listings import FolderListings
from exporters.store.folder_scheduler import FolderScheduler
from exporters.store.ledger import LogLedger, Reading
from exporters.store.ownership import Ownership
from exporters.store.rounds import Rounds
from exporters.store.shared_state import SharedState
from exporters.store.turns import Turns
from exporters.store.unread import UnreadObject, describe_skipped
from nervesys.contract import PathTemplate
from nervesys.contract.times import DAY_SECONDS
from nervesys.errors import BadObject, Reason, StoreUnavailable
from nervesys.metrics import Sample
from nervesys.stores.encryption import check_readable, current_identity
from nervesys.stores.folders import Folders, instant_of
from nervesys.stores.lines import MAX_BYTES, lines_of
from nervesys.stores.objects import ObjectInfo, ObjectReader, too_large

GRACE_SECONDS = 900
"""For how long a day that is over is listed in every pass: batches are dated when sealed, and shipped later."""
RECHECKS = 2
GONE_DAYS = 30
"""After which the totals of an agent that is gone are forgotten, if logs are kept for ever."""
OBJECTS_A_PASS, OBJECTS_A_COMMIT = 2000, 100


class CountedObjects:
    """Counts each object once.

    Args:
        store: the store.
        context: settings, cache, clock and shard.
        shared: knows the store's clock, and which agents have a state.
        area: of the settings' paths and retention.
        counting: what is counted.
    """

    def __init__(
        self, store: ObjectReader, context: SourceContext, shared: SharedState, area: str, counting: Counting
    ) -> None:
        storage, storj = context.settings.storage, context.settings.storage.storj
        self._store, self._context, self._shared = store, context, shared
        self._template = PathTemplate(getattr(storj.paths, area))
        self._future_seconds = context.settings.thresholds.heartbeat.future_seconds
        self._ownership = Ownership(context.agents)
        days = getattr(storage.retention, area)
        self._forget_seconds = DAY_SECONDS * (GONE_DAYS if days is None else days)
        self._tally = counting.tally
        self._ledger = LogLedger(context.cache, counting, announced=context.once)
        self._ledger.totals.expect(filter(context.shard.owns, context.agents))
        self._folders = Folders(self._template)
        self._by_server = "{server}" in self._template.text.rpartition("/{date}")[0]
        self._scheduler = FolderScheduler(
            store,
            self._folders,
            self._ledger.folded,
            grace_seconds=GRACE_SECONDS,
            rechecks=RECHECKS,
            look_back_seconds=context.settings.thresholds.logs_late_seconds,
            owns=self._owns_root,
        )
        self.knows_newest = False  # until all folders in use were listed: older ones hold old objects
        self._dated: set[str] = set()
        """Folders whose known objects were dated since the start."""
        self._unread: dict[str, UnreadObject] = {}
        self._over: set[str] = set()
        self._identity = current_identity()
        self._unreadable: dict[str, dict[str, str]] = {}
        self._listings = FolderListings(store, storj.concurrency, area)
        self._fetches = Fetches(store, storj.concurrency, area)
        self._retries, self._turns, self._rounds = Retries(), Turns(), Rounds()

    def refresh(self, out: Refresh) -> None:
        """One refresh: list the folders that may have new objects, read those, and count their records."""
        now = self._shared.now(self._context.clock)
        if self._rounds.begin_pass():
            self._list(now, out)
        out.complete = self.knows_newest
        out.continues = self._read(now, out)
        for folder in self._over - {unread.folder for unread in self._unread.values()}:
            self._ledger.fold(folder, now)
            self._over.remove(folder)
        out.backlog = len(self._unread) + self._scheduler.unlisted
        if self._shared.known_agents is not None:
            self._ledger.forget_gone(self._is_known, now, self._forget_seconds)
        agents = {agent for agent, _ in self._ledger.totals.agents()}
        out.keep_only(agents | self.end_pass(agents))
        for agent, revision in self._ledger.totals.agents():
            out.put(agent, (revision, self.stamp(agent)), self.samples(agent))

    def _list(self, now: float, out: Refresh) -> None:
        """List folders in use, and some of those that are over."""
        counting_since = 0 if self._context.once else self._ledger.counting_since(now)
        self._retry_unreadable()
        for folder, objects in self._listings.list(self._scheduler.current_periods(now), in_use=True):
            self._find_unread(folder, objects, counting_since, out)
            self._scheduler.mark_listed(folder, now)
        self.knows_newest |= self._scheduler.knows_current
        due = self._scheduler.due_periods(now) if self.knows_newest else []
        for folder, objects in self._listings.list(due, in_use=False):
            self._find_unread(folder, objects, counting_since, out)
            self._mark_listed(folder, now, empty=not objects)

    def samples(self, agent: str) -> Iterator[Sample]:
        """What is shown of an agent."""
        return self._ledger.totals.samples(agent)

    def stamp(self, agent: str) -> Hashable:
        """What the samples depend on, besides the totals."""
        return None

    def observe(self, agent: str, info: ObjectInfo) -> None:
        """An object of an agent was listed; an empty agent where only the lines of an object name it."""

    def on_count(self, db: Connection, new: Sequence[Reading]) -> None:
        """These objects are counted for the first time, in this transaction of the cache."""

    def end_pass(self, agents: set[str]) -> set[str]:
        """All of these agents are shown; returns further keys of the output to keep."""
        return set()

    def _find_unread(self, folder: str, objects: Sequence[ObjectInfo], counting_since: float, out: Refresh) -> None:
        """Find the objects of a folder that have to be read."""
        now = self._shared.now(self._context.clock)  # a pass may be long: by its beginning, new objects seem ahead
        known: list[ObjectInfo] = []
        uncounted = self._ledger.list_uncounted(folder, objects)
        self._date_known(folder, objects, uncounted, now)
        unreadable = self._unreadable.get(folder, {})
        for info in uncounted:
            if unreadable.get(info.key) == info.version or not self._retries.due(info, now):
                continue
            try:
                check_readable(info.key)
                agent = self._agent(info.key, now)
            except BadObject as bad:
                out.reject(info.key, info.version, bad)
                continue
            if not self._owns(agent or info.key):
                continue
            if agent:
                self.observe(agent, info)
            if info.modified < counting_since:  # counted before the cache was lost, perhaps
                known.append(info)
                if agent is None:
                    self.observe("", info)
            else:
                self._unread[info.key] = UnreadObject(folder, info, agent)
        if known:
            self._ledger.skip(folder, known)

    def _owns_root(self, root: str) -> bool:
        """Whether a folder is listed by this shard: those of its servers, and all where folders name no server."""
        server = self._folders.fields(root).get("server", "").lower()
        return not server or self._context.shard.owns(server)

    def _owns(self, name: str) -> bool:
        """Whether an object counts here: all of a server's folder, else those of this shard's agents or keys."""
        return self._by_server or self._context.shard.owns(name)

    def _date_known(self, folder: str, listed: Iterable[ObjectInfo], new: Iterable[ObjectInfo], now: float) -> None:
        """Observe what was counted before the start, once for each folder."""
        if folder in self._dated:
            return
        self._dated.add(folder)
        for info in set(listed).difference(new):
            with suppress(BadObject):
                agent = self._agent(info.key, now)
                if agent and self._owns(agent):
                    self.observe(agent, info)

    def _mark_listed(self, folder: str, now: float, *, empty: bool) -> None:
        """A folder that is over was listed: mark it for folding, or forget it where it is empty."""
        if empty:
            self._ledger.forget(folder)
            self._scheduler.forget(folder)
            self._unreadable.pop(folder, None)
            self._dated.discard(folder)
        else:
            self._over.add(folder)
            self._scheduler.mark_listed(folder, now)

    def _retry_unreadable(self) -> None:
        """Forget what was shut to us once other identities are held; the cache never knew of it."""
        if (identity := current_identity()) != self._identity:
            self._identity, self._unreadable = identity, {}

    def _agent(self, key: str, now: float) -> str | None:
        """Whose object a key names.

        Raises:
            BadObject: `bad_key` where it is not of the template, `future` where its date is still to come.
        """
        fields = self._template.parse(key)
        if fields is None:
            raise BadObject(Reason.BAD_KEY, f"not of {self._template.text}")
        at = instant_of(fields)
        if at is not None and at > now + self._future_seconds:
            raise BadObject(Reason.FUTURE, f"dated {at - now:.0f} s ahead")
        agent = fields["agent"].lower() if "agent" in fields else None
        if agent:
            self._ownership.check_key(agent, fields.get("server", "").lower())
        return agent

    def _is_known(self, agent: str) -> bool:
        """Whether an agent has series of its own: it is configured, or has a valid state."""
        return agent in self._context.agents or agent in (self._shared.known_agents or ()) or agent == OTHER

    def _is_decided(self, unread: UnreadObject) -> bool:
        """Whether it is certain to whom an object counts; before the first pass over the states it may not be."""
        if self._context.once or self._shared.known_agents is not None:
            return True
        return unread.agent is not None and unread.agent in self._context.agents

    def _read(self, now: float, out: Refresh) -> bool:
        """Read and count the next objects, in turns by agent; returns whether the next pass is to go on with them."""
        decided = [(self._turn_of(unread), unread) for unread in self._unread.values() if self._is_decided(unread)]
        ordered = self._turns.order(decided, OBJECTS_A_PASS)
        for at in range(0, len(ordered), OBJECTS_A_COMMIT):
            if self._rounds.budget.used_up or (at and self._rounds.pass_is_over):
                break
            self._read_step(ordered[at : at + OBJECTS_A_COMMIT], now, out)
        self._turns.end_pass()
        return self._rounds.end_pass(left=any(unread.info.key in self._unread for unread in ordered))

    def _turn_of(self, unread: UnreadObject) -> str:
        """With whom an object shares its turns: all agents that are not known have those of one."""
        if unread.agent is None:
            return unread.folder
        return unread.agent if self._is_known(unread.agent) else OTHER

    def _read_step(self, step: Sequence[UnreadObject], now: float, out: Refresh) -> None:
        """Read some objects, and count them in one transaction, also where the store fails on the way."""
        readings: list[Reading] = []
        finished: list[UnreadObject] = []
        try:
            for unread, got in self._fetches.fetch(step, lambda unread: unread.info.key, self._get):
                if got is None:
                    continue
                finished.append(unread)
                if isinstance(got, StoreUnavailable):
                    got = None, {Reason.UNREADABLE: str(got)}
                readings += self._take(unread, *got, now, out)
        finally:
            for series in self._ledger.count(readings, self.on_count):
                out.reject("/".join(series), 0, BadObject(Reason.LABEL_LIMIT, "counted as other"))
            for unread in finished:
                del self._unread[unread.info.key]

    def _take(
        self, unread: UnreadObject, sums: Sums | None, bad: Mapping[Reason, str], now: float, out: Refresh
    ) -> list[Reading]:
        """What is remembered of an object: nothing of one that may be readable later."""
        for reason, problem in bad.items():
            out.reject(unread.info.key, unread.info.version, BadObject(reason, problem))
        if Reason.NO_IDENTITY in bad:
            self._unreadable.setdefault(unread.folder, {})[unread.info.key] = unread.info.version
            return []
        if bad.keys() & {Reason.UNREADABLE, Reason.GONE}:
            self._retries.failed(unread.info, now)
            return []
        if unread.agent is None:
            for agent in {series[1] for series in sums or ()}:
                self.observe(agent, unread.info)
        return [Reading(unread.folder, unread.info, sums)]

    def _get(self, unread: UnreadObject) -> tuple[Sums | None, dict[Reason, str]] | None:
        """What an object adds up to, None where it is rejected; and every reason why it, or a line of it, is.

        Returns:
            None if the round has no CPU time left for it.
        """
        budget = self._rounds.budget
        if budget.used_up:
            return None
        known = unread.agent is None or self._is_known(unread.agent)
        try:
            if unread.info.size > MAX_BYTES:
                raise too_large(unread.info.key, MAX_BYTES)
            turn, agent = self._turn_of(unread), unread.agent if known else OTHER
            with self._turns.charged(turn, budget) as meter, self._store.open(unread.info.key) as stream:
                sums, skipped = self._tally(lines_of(stream, unread.info.key), agent, self._is_known, meter.is_used_up)
        except BadObject as bad:
            return None, {bad.reason: bad.detail}
        return sums, describe_skipped(skipped)
