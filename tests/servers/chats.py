"""Slack's incoming webhooks and Telegram's Bot API, as their documentation records them; both refuse what is wrong."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BOT_TOKEN = "12345:a-bot-secret-that-no-log-may-hold"
SLACK_PATH = "/services/T000/B000/a-slack-secret-that-no-log-may-hold"
CALLBACK_BYTES, TEXT_CHARACTERS, URL_CHARACTERS, LABEL_CHARACTERS = 64, 4096, 3000, 75

Body = dict[str, Any]


@dataclass
class Chats:
    """A running server and what it took.

    Attributes:
        slack: bodies of accepted messages.
        telegram: by message id, each message as it is now.
        answers: texts that were shown to who pressed a button.
        updates: what `getUpdates` returns until it is confirmed.
        refuse: (status, body) with which everything is answered; None for none.
    """

    url: str = ""
    slack: list[Body] = field(default_factory=list)
    telegram: dict[int, Body] = field(default_factory=dict)
    answers: list[Body] = field(default_factory=list)
    updates: list[Body] = field(default_factory=list)
    polls: list[Body] = field(default_factory=list)
    refuse: tuple[int, bytes] | None = None
    _next: int = 700

    def press(self, message_id: int, label: str, user: int, chat: int | None = None, username: str = "grace") -> None:
        """Somebody presses a button of a message."""
        rows = self.telegram[message_id]["reply_markup"]["inline_keyboard"]
        data = next(button["callback_data"] for row in rows for button in row if label in button["text"])
        self._next += 1
        chat_id = self.telegram[message_id]["chat_id"] if chat is None else chat
        query = {
            "id": f"query-{self._next}",
            "from": {"id": user, "is_bot": False, "first_name": "Grace", "username": username},
            "message": {"message_id": message_id, "date": 0, "chat": {"id": chat_id, "type": "private"}},
            "chat_instance": "1",
            "data": data,
        }
        self.updates.append({"update_id": self._next, "callback_query": query})

    def take(self, path: str, body: Body) -> tuple[int, bytes]:
        if self.refuse is not None:
            return self.refuse
        if path == SLACK_PATH:
            return self._slack(body)
        prefix = f"/bot{BOT_TOKEN}/"
        if not path.startswith(prefix):
            return 404, b'{"ok": false, "error_code": 404, "description": "Not Found"}'
        try:
            result = getattr(self, f"_{path.removeprefix(prefix)}")(body)
        except (KeyError, AssertionError) as err:
            problem = {"ok": False, "error_code": 400, "description": f"Bad Request: {err}"}
            return 400, json.dumps(problem).encode()
        return 200, json.dumps({"ok": True, "result": result}).encode()

    def _slack(self, body: Body) -> tuple[int, bytes]:
        for block in body.get("blocks", ()):
            if block["type"] == "section" and not 0 < len(block["text"]["text"]) <= URL_CHARACTERS:
                return 400, b"invalid_blocks"
            for element in block.get("elements", ()):
                fits = len(element["text"]["text"]) <= LABEL_CHARACTERS and len(element["url"]) <= URL_CHARACTERS
                if element["type"] != "button" or not fits or not element["url"].startswith(("http://", "https://")):
                    return 400, b"invalid_blocks"
        self.slack.append(body)
        return 200, b"ok"

    def _check(self, body: Body) -> None:
        assert 0 < len(body["text"]) <= TEXT_CHARACTERS, "message text is empty or too long"
        for row in body.get("reply_markup", {}).get("inline_keyboard", ()):
            for button in row:
                assert 1 <= len(button["callback_data"].encode()) <= CALLBACK_BYTES, "BUTTON_DATA_INVALID"

    def _sendMessage(self, body: Body) -> Body:
        self._check(body)
        self._next += 1
        self.telegram[self._next] = body
        return {"message_id": self._next, "date": 0, "chat": {"id": body["chat_id"]}, "text": body["text"]}

    def _editMessageText(self, body: Body) -> Body:
        self._check(body)
        assert body["message_id"] in self.telegram, "message to edit not found"
        self.telegram[body["message_id"]] = body
        return {"message_id": body["message_id"], "date": 0, "chat": {"id": body["chat_id"]}, "text": body["text"]}

    def _getUpdates(self, body: Body) -> list[Body]:
        self.polls.append(body)
        self.updates = [update for update in self.updates if update["update_id"] >= body.get("offset", 0)]
        return self.updates[: body.get("limit", 100)]

    def _answerCallbackQuery(self, body: Body) -> bool:
        assert len(body.get("text", "")) <= 200, "text is too long"
        assert body["callback_query_id"]
        self.answers.append(body)
        return True


@contextmanager
def chat_servers() -> Iterator[Chats]:
    """Both, at one address."""
    chats = Chats()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, content = chats.take(self.path, body)
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        chats.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield chats
        server.shutdown()
        thread.join()
