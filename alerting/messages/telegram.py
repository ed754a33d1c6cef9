"""Talks to the Bot API of Telegram: sends and edits messages, and reads which buttons were pressed.

https://core.telegram.org/bots/api: POST to `/bot<token>/METHOD` with JSON; the response is `{"ok": true, "result": …}`
or `{"ok": false, "error_code": …, "description": …, "parameters": {"retry_after": …}}`. Buttons send `callback_data` of
64 bytes at most, which the bot reads by `getUpdates`: nothing needs to reach the receiver.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from alerting.messages.message import SECONDS, TEMPORARY, Message, MessageFailed, post_json

POLL_SECONDS = 5
"""Longest time that a request for updates is held open; a receiver that stops waits for its end."""
UPDATES = 100
TEXT_CHARACTERS = 4096
ANSWER_CHARACTERS = 200
INTERNAL_ERROR = 500


class _User(BaseModel):
    id: int
    username: str = ""


class _Chat(BaseModel):
    id: int


class _ChatMessage(BaseModel):
    message_id: int
    chat: _Chat


class PressedButton(BaseModel):
    """A `CallbackQuery`: who pressed a button of which message."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    user: _User = Field(alias="from")
    message: _ChatMessage | None = None
    data: str = ""


class TelegramUpdate(BaseModel):
    """An `Update`, as far as it is read."""

    update_id: int
    callback_query: PressedButton | None = None


@dataclass(frozen=True)
class TelegramBot:
    """A bot.

    Attributes:
        token: of the bot; in no log and no message.
        url: of the API.
    """

    token: SecretStr
    url: str = "https://api.telegram.org"

    @property
    def id(self) -> str:
        """The public part of the token: a number."""
        return self.token.get_secret_value().partition(":")[0][:32]

    def send(self, message: Message, chat_id: int, *, buttons: bool) -> str:
        """Send a message, or edit the one that it replaces; returns its id.

        Args:
            message: the message.
            chat_id: of the chat.
            buttons: whether its buttons are pressed in the chat, by approvers alone; otherwise they are links in the
                text, for everybody who reads it.

        Raises:
            MessageFailed: it was not accepted.
        """
        links = [f"{button.label}: {button.url}" for button in message.buttons if button.url and not buttons]
        text = "\n".join(filter(None, (message.title, message.text, *links, message.url)))[:TEXT_CHARACTERS]
        body: dict[str, Any] = {"chat_id": chat_id, "text": text, "link_preview_options": {"is_disabled": True}}
        if message.buttons and buttons:
            row = [{"text": button.label, "callback_data": button.data} for button in message.buttons]
            body["reply_markup"] = {"inline_keyboard": [[button] for button in row]}
        if message.reference:
            return str(self._call("editMessageText", {**body, "message_id": int(message.reference)})["message_id"])
        return str(self._call("sendMessage", body)["message_id"])

    def read_updates(self, next_update: int) -> Sequence[TelegramUpdate]:
        """The buttons that were pressed; waits for some. What cannot be read is left out.

        Args:
            next_update: the first update that was not read yet; Telegram forgets those before.

        Raises:
            MessageFailed: they could not be read.
        """
        asked = {"offset": next_update, "timeout": POLL_SECONDS, "limit": UPDATES}
        found = self._call("getUpdates", asked | {"allowed_updates": ["callback_query"]}, POLL_SECONDS + SECONDS)
        return [update for item in (found if isinstance(found, list) else ()) if (update := _update(item))]

    def answer(self, pressed: str, text: str) -> None:
        """Show a text to who pressed a button, which ends the button's progress bar.

        Raises:
            MessageFailed: it was not accepted, for instance because it was too late.
        """
        body = {"callback_query_id": pressed, "text": text[:ANSWER_CHARACTERS], "show_alert": True}
        self._call("answerCallbackQuery", body)

    def _call(self, method: str, body: dict[str, Any], seconds: float = SECONDS) -> Any:
        url = f"{self.url}/bot{self.token.get_secret_value()}/{method}"
        status, content = post_json(url, body, f"Telegram {method}", seconds)
        try:
            response = json.loads(content)
            if response["ok"]:
                return response["result"]
            code = int(response.get("error_code", status))
            wait = float(response.get("parameters", {}).get("retry_after", 0))
            problem = str(response.get("description", ""))[:100]
        except (ValueError, LookupError, TypeError, AttributeError):
            raise MessageFailed(f"Telegram {method}: HTTP {status}, not a response of the Bot API") from None
        permanent = code < INTERNAL_ERROR and code not in TEMPORARY
        raise MessageFailed(f"Telegram {method}: {code} {problem}", permanent=permanent, wait_seconds=wait)


def _update(item: object) -> TelegramUpdate | None:
    try:
        return TelegramUpdate.model_validate(item)
    except ValidationError:
        if isinstance(item, dict) and isinstance(item.get("update_id"), int):
            return TelegramUpdate(
                update_id=item["update_id"]
            )  # of another form; it is read, so that it does not come again
        return None
