"""The pages behind the links of messages that ask for approval, and the answers of operators who signed in.

Mail scanners and previews of chats open links: a GET shows what a link would do and changes nothing, a POST does it.
The link takes the place of a session, and its form carries a key that only who has seen the page knows.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from alerting.journal import Episode, view
from alerting.journal.approvals import CHOICES, Answer
from alerting.receiver.approval_desk import HOUR, SILENCES, ApprovalDesk, ApprovalOver, NoSilence
from alerting.receiver.approval_links import PATH, ApprovalLink, LinkSigner, is_same
from alerting.receiver.page import OperatorPage, read_form, who_asks
from alerting.receiver.web import episode_number
from nervesys.audit import AUDIT, AuditAction, AuditResult
from nervesys.metrics.body import HttpRefused
from nervesys.metrics.http_headers import client_of

Handler = Callable[[Request], Awaitable[Response]]

LABELS = {Answer.APPROVE: "Approve", Answer.REFUSE: "Refuse", Answer.SILENCE: "Silence"}
FOREIGN = ("cross-site", "same-site")
"""Values of `Sec-Fetch-Site` of requests that another origin sends."""


@dataclass(frozen=True)
class ApprovalSite:
    """The pages.

    Attributes:
        page: renders them, and knows who signed in.
        desk: takes the answers.
        signer: checks the links; None where there is no key, so that no link is valid.
    """

    page: OperatorPage
    desk: ApprovalDesk
    signer: LinkSigner | None

    def routes(self) -> list[BaseRoute]:
        """The paths of the pages."""

        def handle(handler: Handler) -> Any:
            return self.page.handle_errors(_audit_refusals(handler))

        return [
            Route(f"{PATH}{{token}}", handle(self._confirm), methods=["GET"]),
            Route(f"{PATH}{{token}}", handle(self._answer), methods=["POST"]),
            Route("/episodes/{episode}/approval", handle(self._answer_signed_in), methods=["POST"]),
        ]

    async def _confirm(self, request: Request) -> Response:
        """What the link would do, and a button that does it."""
        link = self._read(request)
        episode = await self._open_question(link)
        story = await self.page.journal.read(lambda connection: view.read_details(connection, episode.id))
        assert self.signer, "it has read the link"
        return self.page.render(
            request,
            "approval.html",
            story=story,
            choice=link.choice,
            label=LABELS[link.choice],
            silences=SILENCES,
            form_key=self.signer.form_key(request.path_params["token"]),
            until=link.expires_at,
        )

    async def _answer(self, request: Request) -> Response:
        link, form = self._read(request), await read_form(request)
        self._check_origin(request)
        assert self.signer, "it has read the link"
        if not is_same(form.get("form_key", ""), self.signer.form_key(request.path_params["token"])):
            raise HttpRefused(HTTPStatus.FORBIDDEN, "no_form", "open the link, and answer from the page itself")
        await self._open_question(link)
        done = await self._take(link.nonce, link.choice, f"channel {link.channel}", form, request)
        return self.page.render(request, "answered.html", done=done, link=link)

    async def _answer_signed_in(self, request: Request) -> Response:
        form, episode = await read_form(request), episode_number(request.path_params["episode"])
        await self.page.check_form(request, form)
        choice = form.get("choice", "")
        if choice not in CHOICES:
            raise HttpRefused(HTTPStatus.BAD_REQUEST, "no_choice", "there is no such answer")
        try:
            question = await self.desk.question_of(episode)
        except ApprovalOver as err:
            raise HttpRefused(HTTPStatus.GONE, "over", str(err)) from None
        await self._take(question.nonce, Answer(choice), "an operator who signed in", form, request)
        return RedirectResponse(f"/episodes/{episode}", HTTPStatus.SEE_OTHER)

    def _read(self, request: Request) -> ApprovalLink:
        link = self.signer.read(request.path_params["token"]) if self.signer else None
        if link is None:
            raise HttpRefused(
                HTTPStatus.FORBIDDEN, "forged", "this link was not made by this receiver, or is not complete"
            )
        return link

    async def _open_question(self, link: ApprovalLink) -> Episode:
        """The episode of a link whose question is still open."""
        try:
            approval, episode = await self.desk.open_question(link.nonce)
        except ApprovalOver as err:
            raise HttpRefused(HTTPStatus.GONE, "over", str(err)) from None
        if (approval.episode_id, episode.action) != (link.episode, link.action):
            raise HttpRefused(HTTPStatus.FORBIDDEN, "forged", "this link is for another episode")
        return episode

    async def _take(self, nonce: str, choice: Answer, by: str, form: Mapping[str, str], request: Request) -> str:
        seconds = form.get("seconds", str(HOUR))
        if seconds not in map(str, SILENCES):
            raise HttpRefused(HTTPStatus.BAD_REQUEST, "no_time", "choose one of the times of the page")
        try:
            who, client = who_asks(request) if request.state.key else by, client_of(request.scope)
            return await self.desk.answer(nonce, choice, by, int(seconds), who=who, client=client)
        except ApprovalOver as err:
            raise HttpRefused(HTTPStatus.GONE, "over", str(err)) from None
        except NoSilence as err:
            raise HttpRefused(HTTPStatus.BAD_GATEWAY, "no_silence", str(err)) from None

    def _check_origin(self, request: Request) -> None:
        """Refuse forms of other sites. A page without referrer sends the origin `null`; its key is checked as well."""
        origin, site = request.headers.get("origin", "null"), request.headers.get("sec-fetch-site", "")
        own = {request.url.netloc, urlsplit(self.page.fleet().settings.monitoring.journal_url).netloc}
        if site in FOREIGN or (origin != "null" and urlsplit(origin).netloc not in own):
            raise HttpRefused(HTTPStatus.FORBIDDEN, "foreign", "another site sent this; answer from the page itself")


def _audit_refusals(handler: Handler) -> Handler:
    """Wrap a handler: forged links and foreign forms are in the audit trail."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except HttpRefused as refused:
            if refused.status == HTTPStatus.FORBIDDEN:
                client, detail = client_of(request.scope), str(refused)
                AUDIT.record(
                    AuditAction.ORDER, AuditResult.DENIED, who_asks(request), "approval", client=client, detail=detail
                )
            raise

    return answer
