"""Signed links by which people answer without signing in: HMAC-SHA256 over what the link is for.

A link is bound to its episode, action, question, choice, channel and end. That it is used once is up to the journal.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from dataclasses import astuple, dataclass

from pydantic import SecretStr

from alerting.journal.approvals import CHOICES, Answer
from nervesys.settings.rotating_secret import valid_values

PATH = "/approvals/"
TOKEN_CHARACTERS = 1000
"""More than any link has that was signed here."""


@dataclass(frozen=True)
class ApprovalLink:
    """What a link is for.

    Attributes:
        episode: its id.
        action: such as `restart_agent`.
        nonce: of the question.
        choice: what it does.
        channel: that it was sent to.
        expires_at: Unix seconds.
    """

    episode: int
    action: str
    nonce: str
    choice: Answer
    channel: str
    expires_at: int


@dataclass(frozen=True)
class LinkSigner:
    """Makes and checks links.

    Attributes:
        key: shared by all receivers of a journal; links by the keys before it are valid until their overlap ends.
    """

    key: SecretStr

    def sign(self, link: ApprovalLink) -> str:
        """The token that stands in the link."""
        payload = _encode(json.dumps(astuple(link), separators=(",", ":")).encode())
        return f"{payload}.{_mac(self.key.get_secret_value(), 'link', payload)}"

    def read(self, token: str) -> ApprovalLink | None:
        """What a token is for; None unless it was signed here. It may have expired."""
        payload = token.partition(".")[0]
        if len(token) > TOKEN_CHARACTERS or not token.isascii() or self._key_of(token) is None:
            return None
        try:
            episode, action, nonce, choice, channel, expires_at = json.loads(urlsafe_b64decode(payload + "=="))
        except (ValueError, Error):
            return None  # of another release
        return ApprovalLink(episode, action, nonce, Answer(choice), channel, expires_at) if choice in CHOICES else None

    def form_key(self, token: str) -> str:
        """The key of the form that a link leads to: another site cannot send the form without having seen it."""
        return _mac(self._key_of(token) or self.key.get_secret_value(), "form", token)

    def _key_of(self, token: str) -> str | None:
        """The accepted key that signed a token; None if none of them did."""
        payload, _, mac = token.partition(".")
        return next((key for key in valid_values(self.key) if is_same(mac, _mac(key, "link", payload))), None)


def _mac(key: str, purpose: str, text: str) -> str:
    return _encode(hmac.new(key.encode(), f"approval {purpose} {text}".encode(), hashlib.sha256).digest())


def is_same(actual: str, expected: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(actual.encode("utf-8", "replace"), expected.encode())


def _encode(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")
