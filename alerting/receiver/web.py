"""The receiver's HTTP interface: webhooks come in, the journal is shown.

A webhook is answered 200 only after its alerts are on disk. A 4xx comes back at every group interval, so only what
the sender must mend gets one; everything that can be read is journalled, if only as rejected.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from alerting.journal import Journal, JournalUnavailable, StateChange, Writer, view
from alerting.journal.episodes import acknowledge
from alerting.receiver import metrics
from alerting.receiver.fleet import FleetConfig
from alerting.receiver.inbox import Inbox
from alerting.receiver.intake import arrivals, has_watchdog
from alerting.receiver.orders import restart
from alerting.receiver.webhook import ReceivedAlert, parse
from nervesys.audit import AUDIT, UNKNOWN, AuditAction, AuditResult
from nervesys.clock import Clock
from nervesys.metrics import Instruments
from nervesys.metrics.body import HttpRefused, read_body
from nervesys.metrics.http_headers import bearer_token, client_of, is_secret
from nervesys.settings.check import check
from nervesys.settings.rotating_secret import valid_values

SENDERS = {"/api/v1/alertmanager": "alertmanager", "/api/v1/grafana": "grafana"}
ACKNOWLEDGE, RESTART = "/api/v1/acknowledge", "/api/v1/restart"
LIST_LIMIT = 1000
TOKEN_NAME, NO_TOKEN = "token of the receiver", "the bearer token is missing or wrong"
ID_DIGITS = 19
"""More than an id of any database has."""
REASONS = ("no_token", "not_json", "too_large", "too_slow", "gone", "journal")


class ActionsQuery(BaseModel):
    """What `/actions` can be asked for."""

    model_config = ConfigDict(extra="forbid")

    state: str | None = None
    agent: str | None = None
    action: str | None = None
    alert: str | None = None
    limit: int = Field(default=100, ge=1, le=LIST_LIMIT)


@dataclass(frozen=True)
class ReceiverApi:
    """The handlers of webhooks, and of the journal's JSON interface.

    Attributes:
        journal: read from.
        inbox: takes the alerts of webhooks in.
        writer: acknowledgements are written through it.
        fleet: returns the newest version of the brain.
        instruments: count what comes.
        token: that every webhook must carry.
        body_bytes: of one request.
        journalled: called with what an acknowledgement changed, once it is on disk.
        watchdog: called whenever the Watchdog was received.
    """

    journal: Journal
    inbox: Inbox
    writer: Writer
    fleet: Callable[[], FleetConfig]
    instruments: Instruments
    token: SecretStr
    body_bytes: int
    clock: Clock
    journalled: Callable[[list[StateChange]], None]
    watchdog: Callable[[], None]

    def routes(self) -> list[BaseRoute]:
        """The webhook's paths and the journal's."""
        return [
            *(Route(path, self._webhook, methods=["POST"]) for path in SENDERS),
            Route("/actions", self._actions),
            Route("/actions/{episode}", self._details),
            Route(ACKNOWLEDGE, self._acknowledge, methods=["POST"]),
            Route(RESTART, self._restart, methods=["POST"]),
        ]

    def start(self) -> None:
        """Expose every counter at 0 before its first event, so that `increase` sees it."""
        for sender in SENDERS.values():
            for status in ("firing", "resolved"):
                self.instruments.add(metrics.RECEIVED, sender, status, by=0)
            self.instruments.add(metrics.TRUNCATED, sender, by=0)
            for reason in REASONS:
                self.instruments.add(metrics.REFUSED, sender, reason, by=0)

    async def _webhook(self, request: Request) -> Response:
        sender = SENDERS[request.url.path]
        try:
            received = await self._take(request, sender)
        except HttpRefused as refused:
            self.instruments.add(metrics.REFUSED, sender, refused.reason)
            return PlainTextResponse(f"{refused}\n", refused.status)
        return JSONResponse({"received": received})

    async def _take(self, request: Request, sender: str) -> int:
        self._check_token(request)
        try:
            webhook = parse(await read_body(request, self.body_bytes))
        except ValueError as err:
            raise HttpRefused(HTTPStatus.BAD_REQUEST, "not_json", f"the body is not JSON: {err}") from err
        if has_watchdog(webhook):
            self.watchdog()
        self.instruments.add(metrics.TRUNCATED, sender, by=webhook.truncated)
        try:
            await self.inbox.put(list(arrivals(webhook, sender, self.fleet())))
        except JournalUnavailable as err:
            raise HttpRefused(HTTPStatus.SERVICE_UNAVAILABLE, "journal", f"send it again later: {err}") from err
        for alert in webhook.alerts:
            if isinstance(alert, ReceivedAlert):
                self.instruments.add(metrics.RECEIVED, sender, alert.status)
        self.instruments.set(metrics.LAST_RECEIVED, self.clock(), sender)
        return len(webhook.alerts)

    def _check_token(self, request: Request) -> None:
        token = bearer_token(request)
        if token is None or not is_secret(token, *valid_values(self.token)):
            AUDIT.record(
                AuditAction.SIGN_IN, AuditResult.DENIED, UNKNOWN, request.url.path, client=client_of(request.scope)
            )
            raise HttpRefused(HTTPStatus.UNAUTHORIZED, "no_token", NO_TOKEN)

    async def _actions(self, request: Request) -> Response:
        query, problems = check(ActionsQuery, request.query_params)
        if query is None:
            wrong = "; ".join(f"{'.'.join(where)}: {problem}" for where, problem in problems)
            return PlainTextResponse(f"{wrong}\n", HTTPStatus.BAD_REQUEST)
        wanted = view.ActionFilter(**query.model_dump())
        return await self._read(lambda connection: {"actions": view.actions(connection, wanted)})

    async def _details(self, request: Request) -> Response:
        episode = episode_number(request.path_params["episode"])
        return await self._read(lambda connection: view.read_details(connection, episode))

    async def _acknowledge(self, request: Request) -> Response:
        """End an escalated episode because an operator took it over; the fleet's incident is ended so too."""
        episode, now = episode_number(request.query_params.get("episode", "")), self.clock()
        refused = HttpRefused(HTTPStatus.NOT_FOUND, "no_episode", "no escalated episode has this id")
        return await self._order(
            request, lambda connection: acknowledge(connection, episode, now), {"acknowledged": episode}, refused
        )

    async def _restart(self, request: Request) -> Response:
        """Restart an agent now, as by the page's button."""
        agent, now = request.query_params.get("agent", ""), self.clock()
        known = agent in self.fleet().agents
        refused = (
            HttpRefused(HTTPStatus.CONFLICT, "too_late", "it is being restarted at this moment")
            if known
            else HttpRefused(HTTPStatus.NOT_FOUND, "no_agent", "the brain has no such agent")
        )
        return await self._order(
            request,
            lambda connection: restart(connection, agent, 0, now) if known else None,
            {"restarting": agent},
            refused,
        )

    async def _order(
        self,
        request: Request,
        order: Callable[[Connection], list[StateChange] | None],
        done: Mapping[str, object],
        refused: HttpRefused,
    ) -> Response:
        """Journal what a program with the token orders; refused where the order returns None."""
        target, result, detail = f"{request.url.path} {request.url.query}", AuditResult.FAILED, ""
        try:
            self._check_token(request)
            changes = await self.writer.commit(order)
            if changes is None:
                raise refused
            result = AuditResult.OK
        except HttpRefused as err:
            detail = str(err)
            return PlainTextResponse(f"{err}\n", err.status)
        except JournalUnavailable as err:
            detail = str(err)
            return PlainTextResponse(f"{err}\n", HTTPStatus.SERVICE_UNAVAILABLE)
        finally:
            if detail != NO_TOKEN:  # audited as such
                AUDIT.record(
                    AuditAction.ORDER, result, TOKEN_NAME, target, client=client_of(request.scope), detail=detail
                )
        self.journalled(changes)
        return JSONResponse(dict(done))

    async def _read(self, query: Callable[[Connection], object]) -> Response:
        try:
            found = await self.journal.read(query)
        except JournalUnavailable as err:
            return PlainTextResponse(f"{err}\n", HTTPStatus.SERVICE_UNAVAILABLE)
        if found is None:
            return PlainTextResponse("no such episode\n", HTTPStatus.NOT_FOUND)
        return JSONResponse(found)


def episode_number(text: str) -> int:
    """An episode's id; 0, which none has, where it cannot be one."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < ID_DIGITS else 0
