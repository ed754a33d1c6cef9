"""The store: can it be listed, may this role write where it must, is its clock ours, do region and bucket fit?"""

from collections.abc import Generator, Iterator, Mapping
from uuid import uuid4

from commands.diagnosis.finding import DoctorFinding, fail, ok, warn
from nervesys.contract import PathTemplate
from nervesys.errors import BadObject, StoreUnavailable
from nervesys.settings.storage import StorePaths, StoreSettings
from nervesys.stores.objects import ObjectStore

SUBJECT = "store"
CLOCK_WARN_SECONDS = 30.0
CLOCK_FAIL_SECONDS = 900.0
"""Stores refuse requests that were signed at a time this far from theirs (`RequestTimeTooSkewed`)."""
CLOCK_REMEDY = "set this machine's clock: timedatectl set-ntp true"
REMEDIES = {
    "no keys": "set STORJ_ACCESS_KEY and STORJ_SECRET_KEY, or the same with _FILE",
    "NoSuchBucket": "create the bucket, or set STORJ_BUCKET to the name of yours",
    "InvalidAccessKeyId": "set STORJ_ACCESS_KEY to a key of this store",
    "SignatureDoesNotMatch": "set STORJ_SECRET_KEY to the secret that belongs to STORJ_ACCESS_KEY",
    "AccessDenied": "give the keys the rights of docs/how-to/rights.md",
    "RequestTimeTooSkewed": CLOCK_REMEDY,
    "AuthorizationHeaderMalformed": "set STORJ_REGION to the region of the bucket",
    "PermanentRedirect": "set STORJ_REGION and STORJ_ENDPOINT to those of the bucket",
    "IllegalLocationConstraintException": "set STORJ_REGION to the region of the bucket",
    "TLS certificate": "use a certificate that this machine trusts, or set AWS_CA_BUNDLE to its authority",
    "cannot connect": "check STORJ_ENDPOINT, and that this machine reaches it",
    "timed out": "check STORJ_ENDPOINT, and that a firewall lets requests through",
}
"""By words of the error, which are codes of the S3 API or our own."""
REMEDY = "check STORJ_ENDPOINT, STORJ_BUCKET and the keys"
READ_AREAS = ("agents", "metrics", "active_logs", "active_traces", "databases", "config_backups")
WRITE_AREAS: Mapping[str, tuple[str, ...]] = {
    "monitoring": (),
    "agent": ("metrics", "active_logs", "active_traces", "databases"),
    "round": ("metrics", "active_logs", "active_traces", "config_backups"),
}
"""Areas that each role writes to. The state object of an agent is not tried: writing it would be a heartbeat."""


def judge_error(problem: str) -> DoctorFinding:
    """The finding for an error of the store."""
    remedy = next((remedy for words, remedy in REMEDIES.items() if words in problem), REMEDY)
    return fail(SUBJECT, problem, remedy)


def judge_clock(store_clock: float | None, now: float) -> DoctorFinding:
    """Compare the store's clock with this machine's, both in Unix seconds."""
    if store_clock is None:
        return warn(SUBJECT, "its responses have no Date header: clocks cannot be compared", CLOCK_REMEDY)
    apart = abs(store_clock - now)
    if apart >= CLOCK_FAIL_SECONDS:
        return fail(SUBJECT, f"its clock and this machine's are {apart:.0f} s apart", CLOCK_REMEDY)
    if apart >= CLOCK_WARN_SECONDS:
        return warn(SUBJECT, f"its clock and this machine's are {apart:.0f} s apart", CLOCK_REMEDY)
    return ok(SUBJECT, f"its clock is {apart:.0f} s from this machine's")


def check_store(
    store: ObjectStore, settings: StoreSettings, role: str, fields: Mapping[str, str], now: float
) -> Iterator[DoctorFinding]:
    """List what the role reads, and write, read and delete a small object where it writes.

    Args:
        store: with the credentials of this machine.
        settings: of the store.
        role: a key of `WRITE_AREAS`.
        fields: `server` and `agent`, for a role whose rights end at these names.
        now: Unix seconds.
    """
    try:
        clock = yield from _list_areas(store, settings, role, fields)
        yield judge_clock(clock, now)
        yield from _write(store, settings.paths, role, fields)
    except StoreUnavailable as err:
        yield judge_error(str(err))
        if err.clock is not None and abs(err.clock - now) >= CLOCK_WARN_SECONDS:
            yield judge_clock(err.clock, now)


def _list_areas(
    store: ObjectStore, settings: StoreSettings, role: str, fields: Mapping[str, str]
) -> Generator[DoctorFinding, None, float | None]:
    areas = ("agents",) if role == "agent" else READ_AREAS
    clock = None
    for area in areas:
        prefix = PathTemplate(getattr(settings.paths, area)).prefix(**(fields if role == "agent" else {}))
        clock = store.list(prefix, recursive=False).clock
    where = f"bucket {settings.bucket} at {settings.endpoint}, region {settings.region}"
    yield ok(SUBJECT, f"{where}: listed {', '.join(areas)}")
    return clock


def _write(store: ObjectStore, paths: StorePaths, role: str, fields: Mapping[str, str]) -> Iterator[DoctorFinding]:
    areas = WRITE_AREAS[role]
    if not areas:
        yield ok(SUBJECT, "the role `monitoring` writes nothing here; for others: --role agent, --role round")
    for area in areas:
        key = f"{PathTemplate(getattr(paths, area)).prefix(**fields)}nervesys-doctor-{uuid4().hex}"
        store.put(key, b"x")
        try:
            if not area.startswith("active_") or role == "round":  # the keys of an agent's logs may read nothing
                store.get(key, max_bytes=1)
        except BadObject as bad:
            yield fail(SUBJECT, f"what was written to {area} cannot be read: {bad}", REMEDY)
        finally:
            store.delete(key)
    if areas:
        yield ok(SUBJECT, f"wrote and deleted in {', '.join(areas)}")
