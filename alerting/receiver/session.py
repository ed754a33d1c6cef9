"""Who may order: whoever holds the receiver's token. Nothing is kept here; what is handed out is signed with it."""

import hashlib
import hmac
from dataclasses import dataclass

from nervesys.clock import Clock

SESSION_SECONDS = 12 * 3600


@dataclass(frozen=True)
class Sessions:
    """Opens sessions and knows them again, across restarts of the receiver.

    Attributes:
        token: the receiver's; a new one ends all sessions.
    """

    token: str
    clock: Clock

    def right(self, said: str) -> bool:
        """Whether this is the token."""
        return _same(said, self.token)

    def open(self) -> str:
        """A new session, for the browser to keep."""
        until = str(int(self.clock()) + SESSION_SECONDS)
        return f"{until}.{self._sign('session', until)}"

    def holds(self, session: str) -> bool:
        """Whether this is a session that has not ended."""
        until, _, signature = session.partition(".")
        return _same(signature, self._sign("session", until)) and int(until) > self.clock()

    def form_key(self, session: str) -> str:
        """What every form of a session carries: another site can send the session's cookie, but cannot know this."""
        return self._sign("form", session)

    def right_form(self, session: str, key: str) -> bool:
        """Whether a form was handed out in this session."""
        return self.holds(session) and _same(key, self.form_key(session))

    def _sign(self, purpose: str, text: str) -> str:
        return hmac.new(self.token.encode(), f"{purpose} {text}".encode(), hashlib.sha256).hexdigest()


def _same(said: str, right: str) -> bool:
    return hmac.compare_digest(said.encode("utf-8", "surrogateescape"), right.encode())
