"""Sessions of the page, kept in the journal, which all receivers share; the password is the receiver's token."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from alerting.journal import Journal, Writer
from alerting.journal.sessions import close_session, open_session, read_signature
from nervesys.clock import Clock

SESSION_SECONDS = 12 * 3600
COOKIE_BYTES = 32
_COOKIE = re.compile(r"[0-9A-Za-z_-]{43}")
"""What `COOKIE_BYTES` are as text; anything else is looked up nowhere."""


@dataclass(frozen=True)
class Sessions:
    """Opens, checks and ends sessions; they stay valid when a receiver is restarted.

    Attributes:
        token: the receiver's; a new one ends all sessions.
        journal: sessions are read from it.
        writer: sessions are written through it.
    """

    token: str
    journal: Journal
    writer: Writer
    clock: Clock

    def is_token(self, token: str) -> bool:
        """Whether this is the token."""
        return _same(token, self.token)

    async def open(self) -> str:
        """A new session, for the browser to keep.

        Raises:
            JournalUnavailable: it cannot be kept.
        """
        session, now = secrets.token_urlsafe(COOKIE_BYTES), self.clock()
        kept, signature = _digest(session), self._sign("session", session)
        await self.writer.commit(
            lambda connection: open_session(connection, kept, signature, now, now + SESSION_SECONDS)
        )
        return session

    async def is_valid(self, session: str) -> bool:
        """Whether this is a session that has not ended.

        Raises:
            JournalUnavailable: it cannot be looked up.
        """
        if not _COOKIE.fullmatch(session):
            return False
        now, kept = self.clock(), _digest(session)
        signature = await self.journal.read(lambda connection: read_signature(connection, kept, now))
        return signature is not None and _same(signature, self._sign("session", session))

    async def close(self, session: str) -> None:
        """End a session, for every receiver.

        Raises:
            JournalUnavailable: it could not be ended.
        """
        kept = _digest(session)
        await self.writer.commit(lambda connection: close_session(connection, kept))

    def form_key(self, session: str) -> str:
        """The CSRF key of a session's forms: another site can have the cookie sent, but does not know the key."""
        return self._sign("form", session)

    async def is_form_key(self, session: str, key: str) -> bool:
        """Whether a form was handed out in this session.

        Raises:
            JournalUnavailable: it cannot be looked up.
        """
        return await self.is_valid(session) and _same(key, self.form_key(session))

    def _sign(self, purpose: str, text: str) -> str:
        return hmac.new(self.token.encode(), f"{purpose} {text}".encode(), hashlib.sha256).hexdigest()


def _digest(session: str) -> str:
    return hashlib.sha256(session.encode()).hexdigest()


def _same(actual: str, expected: str) -> bool:
    return hmac.compare_digest(actual.encode("utf-8", "replace"), expected.encode())
