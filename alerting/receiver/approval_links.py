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
        key: shared by all receivers of a journal.
    """

    key: SecretStr

    def sign(self, link: ApprovalLink) -> str:
        """The token that stands in the link."""
        payload = _encode(json.dumps(astuple(link), separators=(",", ":")).encode())
        return f"{payload}.{self._mac('link', payload)}"

    def read(self, token: str) -> ApprovalLink | None:
        """What a token is for; None unless it was signed here. It may have expired."""
        payload, _, mac = token.partition(".")
        if len(token) > TOKEN_CHARACTERS or not token.isascii() or not is_same(mac, self._mac("link", payload)):
            return None
        try:
            episode, action, nonce, choice, channel, expires_at = json.loads(urlsafe_b64decode(payload + "=="))
        except (ValueError, Error):
            return None  # of another release
        return ApprovalLink(episode, action, nonce, Answer(choice), channel, expires_at) if choice in CHOICES else None

    def form_key(self, token: str) -> str:
        """The key of the form that a link leads to: another site cannot send the form without having seen it."""
        return self._mac("form", token)

    def _mac(self, purpose: str, text: str) -> str:
        digest = hmac.new(self.key.get_secret_value().encode(), f"approval {purpose} {text}".encode(), hashlib.sha256)
        return _encode(digest.digest())


def is_same(actual: str, expected: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(actual.encode("utf-8", "replace"), expected.encode())


def _encode(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")
