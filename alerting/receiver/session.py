"""Sessions of the page, kept in the journal, which all receivers share; the password is the receiver's token."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from pydantic import SecretStr

from alerting.journal import Journal, Writer
from alerting.journal.sessions import close_session, open_session, read_signature
from nervesys.clock import Clock
from nervesys.settings.rotating_secret import valid_values

SESSION_SECONDS = 12 * 3600
COOKIE_BYTES = 32
_COOKIE = re.compile(r"[0-9A-Za-z_-]{43}")
"""What `COOKIE_BYTES` are as text; anything else is looked up nowhere."""


@dataclass(frozen=True)
class Sessions:
    """Opens, checks and ends sessions; they stay valid when a receiver is restarted.

    Attributes:
        token: the receiver's; when one is accepted no more, its sessions end.
        journal: sessions are read from it.
        writer: sessions are written through it.
    """

    token: SecretStr
    journal: Journal
    writer: Writer
    clock: Clock

    def is_token(self, token: str) -> bool:
        """Whether this is the token."""
        return any(_same(token, accepted) for accepted in valid_values(self.token))

    async def open(self) -> str:
        """A new session, for the browser to keep.

        Raises:
            JournalUnavailable: it cannot be kept.
        """
        session, now = secrets.token_urlsafe(COOKIE_BYTES), self.clock()
        kept, signature = _digest(session), self._signatures("session", session)[0]
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
        return signature is not None and any(_same(signature, own) for own in self._signatures("session", session))

    async def close(self, session: str) -> None:
        """End a session, for every receiver.

        Raises:
            JournalUnavailable: it could not be ended.
        """
        kept = _digest(session)
        await self.writer.commit(lambda connection: close_session(connection, kept))

    def form_key(self, session: str) -> str:
        """The CSRF key of a session's forms: another site can have the cookie sent, but does not know the key."""
        return self._signatures("form", session)[0]

    async def is_form_key(self, session: str, key: str) -> bool:
        """Whether a form was handed out in this session.

        Raises:
            JournalUnavailable: it cannot be looked up.
        """
        return await self.is_valid(session) and any(_same(key, own) for own in self._signatures("form", session))

    def _signatures(self, purpose: str, text: str) -> list[str]:
        """The signature by each accepted token, the newest first."""
        message = f"{purpose} {text}".encode()
        return [hmac.new(token.encode(), message, hashlib.sha256).hexdigest() for token in valid_values(self.token)]


def session_name(session: str) -> str:
    """A name of a session in the audit trail, from which nobody can make the session."""
    return f"session {_digest(session)[:12]}"


def _digest(session: str) -> str:
    return hashlib.sha256(session.encode()).hexdigest()


def _same(actual: str, expected: str) -> bool:
    return hmac.compare_digest(actual.encode("utf-8", "replace"), expected.encode())
