"""What real instrumentations send becomes the right numbers, and holds no content.

`recorded/` is what `make otel` shipped; the slow test does it again, with the newest packages.

Covers: nervesys.contract.gen_ai.
"""

import os
from pathlib import Path

import pytest

from exporters.shared.counting import Series
from exporters.shared.spans import ERRORS, OPERATION_DURATION, TOKENS, TOOL_CALLS, tally
from tests.nervesys.agent.telemetry import real

USED = {"input": 60, "cache_read": 40, "output": 15, "reasoning": 5}
EXPECTED = {
    "chat_openai": ({("chat", "gpt-5"): 1, ("chat", "limited"): 1}, USED, 1),
    "chat_anthropic": (
        {("chat", "claude-5"): 1, ("chat", "limited"): 2},
        {"input": 60, "cache_read": 40, "output": 20},
        2,
    ),
    "agent_openai": (
        {("chat", "gpt-5"): 2, ("invoke_agent", "gpt-5"): 1, ("invoke_agent", "(unnamed)"): 1},
        {kind: 2 * count for kind, count in USED.items()},
        0,
    ),
    "node_openai": ({("chat", "gpt-5"): 1, ("chat", "limited"): 1}, {"input": 100, "output": 20}, 1),
}
"""By program: calls by operation and model, tokens by type, and calls that were rate limited.

The package anthropic and its instrumentation both report a call, a failed one without an id."""


def check(name: str, lines: list[bytes]) -> None:
    calls, tokens, limited = EXPECTED[name]
    assert b"secret" not in b"".join(lines), "no prompt, no answer, no argument, no result"
    sums, skipped = tally(lines, "grok")
    assert not skipped
    assert {series[2:]: sum(of[:-1]) for series, of in sums.items() if series[0] == OPERATION_DURATION.name} == calls
    assert {series[3]: of[0] for series, of in sums.items() if series[0] == TOKENS.name} == tokens
    refused: Series = (ERRORS.name, "grok", "chat", "limited", "rate_limited")
    assert sums.get(refused, [0]) == [limited]
    if name == "agent_openai":
        assert sums[TOOL_CALLS.name, "grok", "search", "completed"] == [1]


@pytest.mark.parametrize("name", EXPECTED)
def test_recorded_requests_become_the_right_numbers(name: str) -> None:
    check(name, (real.RECORDED / f"{name}.jsonl").read_bytes().splitlines())


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", EXPECTED)
def test_real_instrumentations_are_seen_without_a_change(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(os.environ.get("OTEL_PACKAGES", Path(__file__).parents[4] / ".nervesys/otel")).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    real.install(folder)
    check(name, [line for line in real.run(name, folder) if line.startswith(b'{"resourceSpans"')])
