"""The receiver: its local file, and whether it is ready and shows its journal."""

import re
from collections.abc import Collection, Iterator
from http import HTTPStatus

from alerting.receiver import metrics
from commands.diagnosis.finding import DoctorFinding, fail, ok, warn
from nervesys.clients.own_pages import get_page
from nervesys.errors import NervesysError
from nervesys.plural import count
from nervesys.settings import Web
from nervesys.stack.receiver import actions

SUBJECT = "receiver"
REMEDY = "start it with `nervesys receiver`, or set monitoring.listen.receiver to its address"
LAST_RECEIVED = re.compile(rf'^{metrics.LAST_RECEIVED.full_name}{{sender="alertmanager"}} (\S+)$', re.MULTILINE)


def judge_ready(status: int, text: str) -> DoctorFinding:
    """The answer of `/-/ready`."""
    if status == HTTPStatus.OK:
        return ok(SUBJECT, "ready")
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return fail(SUBJECT, f"not ready: {text.strip()[:300]}", "mend what it names; it continues by itself")
    return fail(SUBJECT, f"another program answers at its address: HTTP {status}", "stop it, or set another address")


def judge_drivers(drivers: Collection[str], mode: str) -> DoctorFinding:
    """Whether it can restart anything."""
    if not drivers:
        return fail(
            SUBJECT, "it has no driver: nothing is ever restarted", "add one to receiver.yaml: docs/how-to/restarts.md"
        )
    if mode != "act":
        return warn(
            SUBJECT, f"it only observes (actions.mode: {mode}): nothing is ever restarted", "set actions.mode: act"
        )
    return ok(SUBJECT, f"drivers: {', '.join(drivers)}")


def check_receiver(address: str, web: Web) -> Iterator[DoctorFinding]:
    """Ask a running receiver.

    Args:
        address: `HOST:PORT`.
        web: its certificate, and the user and password of its basic auth.
    """
    response = get_page(f"{web.url_of(address)}/-/ready", web)
    yield judge_ready(response.status_code, response.text)
    if response.status_code == HTTPStatus.OK:
        yield ok(SUBJECT, f"journal read, {count(len(actions(address, web)), 'action')}")


def seconds_since_webhook(address: str, web: Web, now: float) -> float | None:
    """Seconds since it accepted a webhook of Alertmanager; None if it never did, or does not answer."""
    try:
        found = LAST_RECEIVED.search(get_page(f"{web.url_of(address)}/metrics", web).text)
    except NervesysError:
        return None
    return now - float(found[1]) if found else None
