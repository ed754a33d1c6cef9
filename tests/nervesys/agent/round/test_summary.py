"""The summary of a day's records."""

import json

from nervesys.agent.round.summary import summarise_day
from nervesys.contract import DailySummary, Tasks
from nervesys.contract.brain import ModelUsage


def test_a_record_with_a_duration_is_a_task() -> None:
    records: list[dict[str, object]] = [
        {"agent_id": "grok", "category": "system"},
        {
            "agent_id": "grok",
            "category": "activity",
            "context": {"duration_ms": 5},
            "metadata": {"tokens_used": 7, "model_version": "m-1"},
        },
        {
            "agent_id": "gimai",
            "category": "errors",
            "context": {"duration_ms": 5},
            "message": "no room for 8",
            "action": "save",
            "metadata": {"input_tokens": 2},
        },
        {"agent_id": "gimai", "category": "errors", "action": "save", "message": "no room for 7"},
    ]
    lines = [json.dumps({"timestamp": "2026-01-01T00:00:00Z", **record}).encode() for record in records]
    assert summarise_day("2026-01-01", [*lines, b"Segmentation fault"]) == DailySummary(
        date="2026-01-01",
        agents=2,
        tasks=Tasks(completed=1, failed=1),
        tokens_used=9,
        tokens_by_model={"(unnamed)": 2, "m-1": 7},
        usage_by_model={"(unnamed)": ModelUsage(calls=1, input=2), "m-1": ModelUsage(calls=1, mixed=7)},
        log_records=4,
        errors=2,
        top_errors={"save: no room for #": 2},
    )
