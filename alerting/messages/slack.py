"""Sends messages through an incoming webhook of Slack, with link buttons (Block Kit).

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks: a JSON body with `text` and `blocks`; 200
with `ok`, or a status with a word for the error. Buttons with `url` are links, so Slack needs no way to the receiver.
"""

from http import HTTPStatus
from typing import Any

from pydantic import SecretStr

from alerting.messages.message import TEMPORARY, Message, MessageFailed, post_json

SECTION_CHARACTERS = 3000
"""Of the text of a section."""
BUTTON_CHARACTERS = 75


def send(message: Message, url: SecretStr) -> str:
    """Send a message; Slack gives it no name, so it cannot be edited.

    Raises:
        MessageFailed: it was not accepted.
    """
    status, body = post_json(url.get_secret_value(), content(message), "Slack")
    if status == HTTPStatus.OK:
        return ""
    word = body[:100].decode(errors="replace").strip()
    problem = word if word.replace("_", "").isalpha() else ""
    permanent = status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in TEMPORARY
    raise MessageFailed(f"Slack: HTTP {status} {problem}".strip(), permanent=permanent)


def content(message: Message) -> dict[str, Any]:
    """The body of the request. Text blocks are plain text, in which nothing is a mention or a link."""
    body = "\n".join(filter(None, (message.title, message.text, message.url)))
    blocks: list[dict[str, Any]] = [{"type": "section", "text": _plain(body, SECTION_CHARACTERS)}]
    if message.buttons:
        elements = [
            {
                "type": "button",
                "text": _plain(button.label, BUTTON_CHARACTERS),
                "url": button.url,
                "action_id": f"approval_{number}",
                **({"style": button.style} if button.style else {}),
            }
            for number, button in enumerate(message.buttons)
        ]
        blocks.append({"type": "actions", "elements": elements})
    return {"text": _escape(message.title), "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def _plain(text: str, most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": text[:most], "emoji": False}


def _escape(text: str) -> str:
    """The three characters that begin a mention or a link in `text`, which is shown in notifications."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
