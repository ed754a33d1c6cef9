"""Sessions of the page: stateless cookies, signed with the receiver's token, which is also the password."""

import hashlib
import hmac
from dataclasses import dataclass

from nervesys.clock import Clock

SESSION_SECONDS = 12 * 3600


@dataclass(frozen=True)
class Sessions:
    """Opens sessions and checks them; they stay valid when the receiver is restarted.

    Attributes:
        token: the receiver's; a new one ends all sessions.
    """

    token: str
    clock: Clock

    def is_token(self, token: str) -> bool:
        """Whether this is the token."""
        return _same(token, self.token)

    def open(self) -> str:
        """A new session, for the browser to keep."""
        until = str(int(self.clock()) + SESSION_SECONDS)
        return f"{until}.{self._sign('session', until)}"

    def is_valid(self, session: str) -> bool:
        """Whether this is a session that has not ended."""
        until, _, signature = session.partition(".")
        return _same(signature, self._sign("session", until)) and int(until) > self.clock()

    def form_key(self, session: str) -> str:
        """The CSRF key of a session's forms: another site can have the cookie sent, but does not know the key."""
        return self._sign("form", session)

    def is_form_key(self, session: str, key: str) -> bool:
        """Whether a form was handed out in this session."""
        return self.is_valid(session) and _same(key, self.form_key(session))

    def _sign(self, purpose: str, text: str) -> str:
        return hmac.new(self.token.encode(), f"{purpose} {text}".encode(), hashlib.sha256).hexdigest()


def _same(actual: str, expected: str) -> bool:
    return hmac.compare_digest(actual.encode("utf-8", "surrogateescape"), expected.encode())
