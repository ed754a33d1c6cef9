"""The page at `/`: shows the journal, and has buttons for operators who signed in with the receiver's token.

No GET changes anything. Every form carries a CSRF key of its session, and the content security policy lets the browser
load nothing but this page's own style.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from alerting.actions import ACTIONS
from alerting.journal import (
    ActionState,
    EpisodeVerdict,
    Journal,
    JournalUnavailable,
    StateChange,
    Writer,
    approvals,
    view,
)
from alerting.journal.approvals import CHOICES
from alerting.journal.states import FIRING, FLEET
from alerting.receiver.approval_desk import SILENCES
from alerting.receiver.episode_context import EpisodeContextReader
from alerting.receiver.fleet import FleetConfig
from alerting.receiver.orders import CANCELLABLE, ORDERS
from alerting.receiver.runbook_text import render_runbook
from alerting.receiver.session import SESSION_SECONDS, Sessions, session_name
from alerting.receiver.sign_in import SignInGuard
from alerting.receiver.web import episode_number
from alerting.units import BaseUnit, format_quantity
from nervesys.audit import AUDIT, UNKNOWN, AuditAction, AuditResult
from nervesys.clock import Clock
from nervesys.contract import format_time
from nervesys.logs.visible import visible
from nervesys.look.colours import base_style
from nervesys.metrics.body import HttpRefused, read_body
from nervesys.metrics.http_headers import client_of

COOKIE = "nervesys_receiver"
STYLE = "/style.css"
PAGE = "page of the receiver"
"""Target of the audit trail."""
FORM_BYTES = 4096
ROWS = 100
AROUND_SECONDS = 900
"""An agent's dashboard shows so much before and after an episode."""
HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
TEMPLATES = Environment(loader=PackageLoader("alerting.receiver"), autoescape=True, undefined=StrictUndefined)
TEMPLATES.filters["instant"] = lambda at: format_time(at)[:19] + "Z"
TEMPLATES.filters["duration"] = lambda seconds: format_quantity(round(seconds), BaseUnit.SECONDS)
TEMPLATES.filters["plain"] = visible
TEMPLATES.filters["why"] = lambda row: verdict_and_detail(row)
TEMPLATES.filters["state_words"] = lambda state: state.replace("_", " ")
PROOFS = (EpisodeVerdict.PROVEN, EpisodeVerdict.FIRST_SIGN, EpisodeVerdict.NO_PROOF)
"""Verdicts of lines that say whether an action helped."""
FILTERS = ("state", "agent", "action", "alert")


@dataclass(frozen=True)
class OperatorPage:
    """The pages of the receiver.

    Attributes:
        journal: read from.
        writer: orders are written through it.
        fleet: returns the newest version of the brain.
        context_reader: finds the agent's state, log lines and configuration changes for the page of an episode.
        sessions: checks who signed in.
        guard: slows those down who fail to sign in.
        journalled: called with what changed, once it is on disk.
        links: path to label.
    """

    journal: Journal
    writer: Writer
    fleet: Callable[[], FleetConfig]
    context_reader: EpisodeContextReader
    sessions: Sessions
    guard: SignInGuard
    clock: Clock
    journalled: Callable[[list[StateChange]], None]
    links: Mapping[str, str]

    def routes(self) -> list[BaseRoute]:
        """The page's paths."""
        return [
            Route("/", self.handle_errors(self._journal)),
            Route("/episodes/{episode}", self.handle_errors(self._episode)),
            Route(STYLE, self._style),
            Route("/sign-in", self.handle_errors(self._sign_in), methods=["POST"]),
            Route("/sign-out", self.handle_errors(self._sign_out), methods=["POST"]),
            Route("/orders", self.handle_errors(self._order), methods=["POST"]),
        ]

    def handle_errors(self, handle: Any) -> Any:
        """Wrap a handler: what it refuses is answered with a page, and every answer gets the security headers."""

        async def answer(request: Request) -> Response:
            request.state.key = ""
            try:
                request.state.key = await self._form_key(request)
                response: Response = await handle(request)
            except HttpRefused as refused:
                response = self.render(request, "refused.html", refused.status, why=str(refused))
            except JournalUnavailable as err:
                response = self.render(request, "refused.html", HTTPStatus.SERVICE_UNAVAILABLE, why=str(err))
            response.headers.update(HEADERS)
            return response

        return answer

    async def _journal(self, request: Request) -> Response:
        asked = {name: request.query_params.get(name) or None for name in FILTERS}
        wanted = view.ActionFilter(**asked, limit=ROWS)
        rows = await self.journal.read(lambda connection: _rows(connection, wanted))
        rows = [{**row, "agent_url": self._agent_url(row)} for row in rows]
        agents = sorted(self.fleet().agents)
        values = {
            "rows": rows,
            "asked": asked,
            "agents": agents,
            "states": list(ActionState),
            "actions": ACTIONS,
            "limit": ROWS,
        }
        return self.render(request, "journal.html", **values)

    async def _episode(self, request: Request) -> Response:
        episode = episode_number(request.path_params["episode"])
        story, escalations = await self.journal.read(
            lambda connection: (view.read_details(connection, episode), view.escalations(connection, [episode]))
        )
        if story is None:
            raise HttpRefused(HTTPStatus.NOT_FOUND, "no_episode", "there is no such episode")
        context = await self.context_reader.read(story)
        question = await self.journal.read(lambda connection: _question(connection, episode))
        alert = self.fleet().alerts.named(story["alert"])
        more = {
            **question,
            **context,
            "asked_for": escalations.get(episode, "") if story["state"] == ActionState.ESCALATED else "",
            "agent_url": self._agent_url(story),
            "runbook": render_runbook(alert.runbook if alert else ""),
            "condition": (alert.condition or "") if alert else "",
            "why": next((each for each in story["evidence"] if each["status"] == FIRING), None),
            "page_url": self.fleet().settings.monitoring.own_page_url,
            "proof": [line for line in story["history"] if line["verdict"] in PROOFS],
            "choices": CHOICES if self.fleet().alerts.engine == "prometheus" else CHOICES[:2],
            "silences": SILENCES,
        }
        can = {"known": story["agent"] in self.fleet().agents, "cancellable": story["state"] in CANCELLABLE}
        return self.render(request, "episode.html", story=story, **can, **more)

    def _agent_url(self, row: Mapping[str, Any]) -> str:
        """The dashboard of an episode's agent at that time; empty for what concerns no single agent."""
        if not row["agent"] or row["agent"] == FLEET:
            return ""
        since, until = row["opened_at"] - AROUND_SECONDS, (row["closed_at"] or self.clock()) + AROUND_SECONDS
        return self.fleet().settings.agent_url(row["agent"], since, until)

    async def _sign_in(self, request: Request) -> Response:
        form, client = await read_form(request), client_of(request.scope)
        try:
            self.guard.check_wait(client)
        except HttpRefused:
            AUDIT.record(
                AuditAction.SIGN_IN, AuditResult.DENIED, UNKNOWN, PAGE, client=client, detail="too many failures"
            )
            raise
        if not self.sessions.is_token(form.get("token", "").strip()):
            self.guard.record_failure(client)
            AUDIT.record(AuditAction.SIGN_IN, AuditResult.DENIED, UNKNOWN, PAGE, client=client, detail="wrong token")
            raise HttpRefused(HTTPStatus.FORBIDDEN, "no_token", "this is not the receiver's token")
        self.guard.record_success(client)
        session = await self.sessions.open()
        AUDIT.record(AuditAction.SIGN_IN, AuditResult.OK, session_name(session), PAGE, client=client)
        response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, session, SESSION_SECONDS, httponly=True, samesite="strict", secure=secure)
        return response

    async def _sign_out(self, request: Request) -> Response:
        await self.check_form(request, await read_form(request))
        await self.sessions.close(request.cookies[COOKIE])
        self._audit(request, AuditAction.SIGN_OUT, AuditResult.OK, PAGE)
        response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return response

    async def _order(self, request: Request) -> Response:
        form = await read_form(request)
        target = f"{form.get('order', '')} {form.get('agent', '')} {form.get('episode', '')}".strip()
        try:
            response = await self._carry_out(request, form)
        except (HttpRefused, JournalUnavailable) as err:
            denied = isinstance(err, HttpRefused) and err.status == HTTPStatus.FORBIDDEN
            result = AuditResult.DENIED if denied else AuditResult.FAILED
            self._audit(request, AuditAction.ORDER, result, target, str(err))
            raise
        self._audit(request, AuditAction.ORDER, AuditResult.OK, target)
        return response

    def _audit(self, request: Request, action: AuditAction, result: AuditResult, target: str, detail: str = "") -> None:
        AUDIT.record(action, result, who_asks(request), target, client=client_of(request.scope), detail=detail)

    async def _carry_out(self, request: Request, form: Mapping[str, str]) -> Response:
        await self.check_form(request, form)
        order, agent = ORDERS.get(form.get("order", "")), form.get("agent", "")
        if order is None or (agent not in self.fleet().agents and order is not ORDERS["acknowledge"]):
            raise HttpRefused(HTTPStatus.BAD_REQUEST, "no_order", "there is no such order, or no such agent")
        episode, now = episode_number(form.get("episode", "")), self.clock()
        changes = await self.writer.commit(lambda connection: order(connection, agent, episode, now))
        if changes is None:
            raise HttpRefused(HTTPStatus.CONFLICT, "too_late", "it is no longer in a state in which this can be done")
        self.journalled(changes)
        to = (
            f"/?{urlencode({'agent': agent})}"
            if order in (ORDERS["restart"], ORDERS["start"])
            else f"/episodes/{episode}"
        )
        return RedirectResponse(to, HTTPStatus.SEE_OTHER)

    async def _form_key(self, request: Request) -> str:
        """The key of the session's forms; empty where nobody signed in."""
        session = request.cookies.get(COOKIE, "")
        return self.sessions.form_key(session) if await self.sessions.is_valid(session) else ""

    async def check_form(self, request: Request, form: Mapping[str, str]) -> None:
        """Refuse a form that was not handed out in the session of who sends it.

        Raises:
            HttpRefused: nobody signed in, or another site sends it.
            JournalUnavailable: the session cannot be looked up.
        """
        if not await self.sessions.is_form_key(request.cookies.get(COOKIE, ""), form.get("key", "")):
            raise HttpRefused(HTTPStatus.FORBIDDEN, "no_session", "sign in, and order from the page itself")

    def render(self, request: Request, template: str, status: HTTPStatus = HTTPStatus.OK, /, **values: Any) -> Response:
        """A page from a template, with what every page has."""
        key = request.state.key
        failures = self.guard.summary if key else ""
        address = str(request.url).removeprefix(str(request.base_url).rstrip("/"))
        common = {"key": key, "links": self.links, "failures": failures, "here": address}
        dashboards = self.fleet().settings.dashboards_url
        text = TEMPLATES.get_template(template).render(**values, **common, dashboards=dashboards)
        return Response(text, status, media_type="text/html")

    async def _style(self, _: Request) -> Response:
        text = base_style() + TEMPLATES.get_template("style.css").render()
        return Response(text, headers={"x-content-type-options": "nosniff"}, media_type="text/css")


def who_asks(request: Request) -> str:
    """Who sent a request to these pages, for the audit trail."""
    return session_name(request.cookies.get(COOKIE, "")) if request.state.key else UNKNOWN


def _question(connection: Connection, episode: int) -> dict[str, Any]:
    """The newest question about an episode, and the messages that asked it."""
    newest = approvals.newest_of(connection, [episode]).get(episode)
    return {"question": newest, "messages": approvals.list_messages(connection, episode) if newest else []}


def _rows(connection: Connection, wanted: view.ActionFilter) -> list[dict[str, Any]]:
    """The rows of the table; that of an escalated episode says why it was escalated."""
    rows = view.actions(connection, wanted)
    asking = [row["id"] for row in rows if row["kind"] == "episode" and row["state"] == ActionState.ESCALATED]
    why = view.escalations(connection, asking)
    current = map(verdict_and_detail, rows)
    known = [why.get(row["id"]) if row["kind"] == "episode" else None for row in rows]
    return [{**row, "why": reason or latest} for row, reason, latest in zip(rows, known, current, strict=True)]


def verdict_and_detail(row: Mapping[str, Any]) -> str:
    """Why an episode or record is in its state; records have no detail."""
    return ": ".join(filter(None, (row["verdict"], row["detail"])))


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form, URL-encoded as these pages send it."""
    body = await read_body(request, FORM_BYTES)
    return dict(parse_qsl(body.decode(errors="replace")))
