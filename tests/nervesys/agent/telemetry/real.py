"""Real instrumentations of PyPI and npm, run as wrapped programs against a stand-in for the models.

`python -m tests.nervesys.agent.telemetry.real` installs them beside everything else, runs each program, and writes what
was shipped to `recorded/`, from which the ordinary tests read. Network only for the installation.
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from nervesys.agent import Agent
from nervesys.agent.wrapped_process import WrappedProgram
from tests.stores import FolderStore

HERE = Path(__file__).parent
PROGRAMS, RECORDED = HERE / "programs", HERE / "recorded"
PYTHON_PACKAGES = (
    "anthropic",
    "openai",
    "openai-agents",
    "opentelemetry-distro",
    "opentelemetry-exporter-otlp-proto-http",
    "opentelemetry-instrumentation-anthropic",
    "opentelemetry-instrumentation-openai",
    "opentelemetry-instrumentation-openai-agents-v2",
)
NODE_PACKAGES = ("openai", "@opentelemetry/api", "@opentelemetry/auto-instrumentations-node")
NODE_FLAGS = ("--require", "@opentelemetry/auto-instrumentations-node/register")
LIMITED = "limited"
"""Name of a model whose provider answers 429."""
USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "total_tokens": 120,
    "prompt_tokens_details": {"cached_tokens": 40},
    "completion_tokens_details": {"reasoning_tokens": 5},
}


def answer_openai(asked: Mapping[str, Any]) -> dict[str, Any]:
    """A chat completion; a model that has a tool calls it first."""
    message: dict[str, Any] = {"role": "assistant", "content": "my secret answer"}
    wants_tool = asked.get("tools") and not any(each["role"] == "tool" for each in asked["messages"])
    if wants_tool:
        function = {"name": "search", "arguments": '{"query": "my secret question"}'}
        message |= {"content": None, "tool_calls": [{"id": "call-1", "type": "function", "function": function}]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if wants_tool else "stop"}
    return {
        "id": "chat-1",
        "object": "chat.completion",
        "created": 1,
        "model": f"{asked['model']}-2027",
        "choices": [choice],
        "usage": USAGE,
    }


def answer_anthropic(asked: Mapping[str, Any]) -> dict[str, Any]:
    """A message."""
    return {
        "id": "msg-1",
        "type": "message",
        "role": "assistant",
        "model": asked["model"],
        "content": [{"type": "text", "text": "my secret answer"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 60, "output_tokens": 20, "cache_read_input_tokens": 40},
    }


@contextmanager
def models() -> Iterator[str]:
    """A stand-in for the providers; yields the base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            answer = answer_anthropic(asked) if self.path.endswith("/messages") else answer_openai(asked)
            limited = asked["model"] == LIMITED
            error = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}
            body = json.dumps(error if limited else answer).encode()
            self.send_response(429 if limited else 200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def install(folder: Path) -> None:
    """Install the packages of both languages; does nothing if they are there."""
    if not (folder / "bin/opentelemetry-instrument").exists():
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin/pip", "install", "--quiet", *PYTHON_PACKAGES], check=True)
    if not (folder / "node_modules").exists():
        subprocess.run(["npm", "install", "--silent", "--prefix", folder, *NODE_PACKAGES], check=True)


def commands(folder: Path) -> dict[str, list[str]]:
    """How each program is run, by the name of what it records."""
    instrumented = [str(folder / "bin/opentelemetry-instrument"), str(folder / "bin/python")]
    node = ["node", *NODE_FLAGS, str(folder / "chat_openai.cjs")]
    python = {
        name: [*instrumented, str(PROGRAMS / f"{name}.py")]
        for name in ("chat_openai", "chat_anthropic", "agent_openai")
    }
    return {**python, "node_openai": node}


def run(name: str, folder: Path) -> list[bytes]:
    """Run one program as an agent; returns the lines that were shipped."""
    (folder / "chat_openai.cjs").write_text((PROGRAMS / "chat_openai.cjs").read_text())  # beside its node_modules
    with tempfile.TemporaryDirectory() as made, models() as url:
        home, brain, bucket = (Path(made) / part for part in ("home", "brain", "bucket"))
        (brain / "config/agents").mkdir(parents=True)
        (brain / "config/agents/grok.yaml").write_text("agent: {name: grok, telemetry: {enabled: true}}")
        bucket.mkdir()
        os.environ |= {"MODEL_URL": url, "OPENAI_API_KEY": "none"}
        store = FolderStore(bucket)
        here = Path.cwd()
        os.chdir(folder)
        try:
            with Agent("grok", home=str(home), brain=str(brain), server="host-1", environ={}, store=store) as agent:
                WrappedProgram(commands(folder)[name]).run(agent)
        finally:
            os.chdir(here)
        files = sorted(bucket.glob("db/traces/host-1/*/*.gz"))
        return [line for file in files for line in gzip.decompress(file.read_bytes()).splitlines()]


def main() -> None:
    """Install, run, record."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".nervesys/otel").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    install(folder)
    for name in commands(folder):
        lines = [line for line in run(name, folder) if line.startswith(b'{"resourceSpans"')]
        (RECORDED / f"{name}.jsonl").write_bytes(b"\n".join(lines) + b"\n")
        sys.stdout.write(f"{name}: {len(lines)} lines, {sum(map(len, lines))} bytes\n")


if __name__ == "__main__":
    main()
