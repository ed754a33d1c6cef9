"""An endpoint of OpenAI's chat completions, and its failures; a stand-in, for no model runs here."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TOKENS = 120
"""That it counts for each question."""


@dataclass
class ModelServer:
    """Its next response, and the requests it received.

    Attributes:
        url: for `base_url`.
        status: of the answer.
        content: of the message; None cuts the connection.
        delay: seconds before the answer.
        asked: bodies of the requests, oldest first.
        keys: their Authorization headers.
    """

    url: str = ""
    status: int = 200
    content: str | None = '{"severity": "normal", "reason": "it tries again"}'
    delay: float = 0.0
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


@contextmanager
def model_server() -> Iterator[ModelServer]:
    """The server, on a free port."""
    state = ModelServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            state.keys.append(self.headers["Authorization"])
            time.sleep(state.delay)
            if state.content is None:
                self.close_connection = True
                return
            body = json.dumps(
                completion(state.content) if state.status == 200 else {"error": {"message": state.content}}
            )
            self.send_response(state.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as it is named above
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def completion(content: str) -> dict[str, Any]:
    """The body of an answer (OpenAI API reference, chat completion object)."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
    usage = {"prompt_tokens": TOKENS - 20, "completion_tokens": 20, "total_tokens": TOKENS}
    return {"id": "1", "object": "chat.completion", "created": 0, "model": "stub", "choices": [choice], "usage": usage}
