"""Generated inputs for every reader of what others write. `python -m tests.hostile.fuzz` tries 10 000 of them."""

import json
import logging
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from alerting.receiver import webhook
from exporters.shared.records import tally
from nervesys.artifacts.manifest import Manifest
from nervesys.contract import AgentState, DailySummary, RestoreDrill, RoundLease, ServerMetrics, VitalSigns
from nervesys.contract.brain import Contributors
from nervesys.contract.deployments import Runs
from nervesys.contract.knowledge import parse_contribution, parse_tree
from nervesys.contract.objects import ContractObject
from nervesys.errors import BadObject, SettingsError, StoreUnavailable
from nervesys.settings import load
from nervesys.stores import drive, s3
from tests.exporters.shared.kit import PLAIN
from tests.exporters.store.test_agents import World
from tests.properties import given, settings, st

NOON = "2026-01-01T12:00:00Z"
STATE = {"agent_id": "grok", "server": "srv1", "status": "running", "timestamp": NOON, "tasks": {"completed": 1}}
METRICS = {"server": "srv1", "timestamp": NOON, "cpu_percent": 5, "network_io": {"rx_bytes": 1}}
SIGNS = {"timestamp": NOON, "pulses": {"received": 2, "answered": 1}, "errors": {"a": 1}, "memory_decay": 0.5}
ALERT = {
    "status": "firing",
    "labels": {"alertname": "Agent Down", "agent": "grok"},
    "startsAt": NOON,
    "fingerprint": "a",
}
MANIFEST = {
    "id": "01J00000000000000000000000",
    "created_by": "grok",
    "created_at": NOON,
    "artifact_type": "text",
    "content_type": "text/plain",
    "uri": "s3://b/k",
    "size_bytes": 1,
    "checksum": "0" * 64,
    "owner": "grok",
    "visibility": "private",
}
RUN = {"name": "ci", "conclusion": "success", "run_started_at": NOON, "updated_at": NOON, "head_branch": "main"}
FILE = {"id": "1", "name": "a", "mimeType": "text/plain", "size": "3", "modifiedTime": NOON, "parents": ["0"]}
ENTRY = {"Key": "a", "ETag": '"1"', "Size": 3, "LastModified": datetime(2026, 1, 1, tzinfo=UTC)}
BRAIN: list[tuple[type[ContractObject], dict[str, Any]]] = [
    (DailySummary, {"date": "2026-01-01", "tasks": {"completed": 1}, "top_errors": {"a": 1}}),
    (RestoreDrill, {"timestamp": NOON, "succeeded": True, "duration_seconds": 1}),
    (RoundLease, {"holder": "grok", "until": NOON, "done": "2026-01-01"}),
    (Contributors, {"ai_collaborators": [{"name": "grok"}]}),
]

TEXTS = ("", "grok", "a/b", "\0", "\ud800", "é" * 300, "+Inf", "NaN", NOON, "2026-12-31t23:59:60z", "9" * 400, "null")
SCALARS = st.one_of(
    st.sampled_from([None, True, -1, 0, 1e308, 1e12, 2**70, float("nan"), float("inf"), *TEXTS]),
    st.floats(),
    st.integers(),
    st.text(max_size=8),
)
VALUES = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=4), below, max_size=3),
    max_leaves=6,
)


def changed(base: Mapping[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object in which fields, also of what it holds, have other values, or are missing."""
    inner = [st.fixed_dictionaries({}, optional=dict.fromkeys(it, VALUES)) for it in base.values() if type(it) is dict]
    values = st.one_of(VALUES, *inner)
    odd = st.dictionaries(st.sampled_from([*base, "more"]), values, max_size=4)
    missing = st.sets(st.sampled_from(sorted(base)), max_size=1)
    return st.builds(lambda new, less: {k: v for k, v in (base | new).items() if k not in less}, odd, missing)


def texts(base: Mapping[str, Any]) -> st.SearchStrategy[bytes]:
    """Such an object as bytes, which may be cut, or have bytes in them that belong to none."""
    noise = st.sampled_from([*[b""] * 12, b"\xff", b"\xef\xbb\xbf", b"\r\n", b"[" * 300, b"\xed\xa0\x80", b"\\ud800"])
    return st.builds(
        lambda value, at, more, keep: (
            (text := json.dumps(value).encode())[: at % 400] + more + text[at % 400 :][: None if keep else at]
        ),
        changed(base),
        st.integers(0, 400),
        noise,
        st.sampled_from([True] * 12 + [False]),
    )


def run(count: int, check: Callable[[Any], None], inputs: st.SearchStrategy[Any]) -> None:
    """Give a check that many inputs."""
    settings(max_examples=count, database=None)(given(inputs)(check))()


def fuzz_states(count: int) -> None:
    """An agent's state, over the exporter's areas: nothing of another agent changes."""
    with tempfile.TemporaryDirectory() as home:
        world = World(Path(home))
        world.beat("claude", server="srv2", tokens_used=7)
        good = {name: value for name, value in world.run(0).items() if '"claude"' in name or '"srv2"' in name}
        assert good

        def check(body: bytes) -> None:
            world.bucket.lay("db/agents/grok_state.json", body, world.clock.now)
            seen = world.run(0)
            assert {name: value for name, value in seen.items() if '"claude"' in name or '"srv2"' in name} == good

        run(count, check, texts(STATE | {"metrics": METRICS, "counters": {"a": 1}, "buffer": {"dropped": {"INFO": 1}}}))


def fuzz_lines(count: int) -> None:
    """A log line between two good ones: they count, and no sum ceases to be finite."""
    good = json.dumps(PLAIN | {"agent_id": "claude"}).encode()
    alone, _ = tally([good, good], None)

    def check(line: bytes) -> None:
        sums, _ = tally([good, line.replace(b"\n", b""), good], None)
        assert {series: added for series, added in sums.items() if series[1] == "claude"} == alone
        assert all(isfinite(number) for added in sums.values() for number in added)

    run(count, check, texts(PLAIN))


def fuzz_webhooks(count: int) -> None:
    """An alert beside a good one: the good one is received as it is."""
    good = webhook.parse(json.dumps({"alerts": [ALERT]}).encode()).alerts[0]

    def check(odd: Any) -> None:
        body = json.dumps({"alerts": [ALERT, odd], "truncatedAlerts": odd}).encode()
        assert webhook.parse(body).alerts[0] == good
        with suppress(ValueError):
            webhook.parse(json.dumps(odd).encode()[:-1])

    run(count, check, st.one_of(changed(ALERT), VALUES))


def fuzz_listings(count: int) -> None:
    """Entries of listings, beside a good one."""

    def check(odd: tuple[dict[str, Any], dict[str, Any], list[str]]) -> None:
        file, ended, missing = odd
        drive._entry(file)
        with suppress(StoreUnavailable):
            s3._info({key: value for key, value in ENTRY.items() if key not in missing})
        with suppress(BadObject):
            names = [parsed.name for parsed in Runs.of({"workflow_runs": [dict(RUN, name="b"), ended]}).workflow_runs]
            assert names[0] == "b"

    run(count, check, st.tuples(changed(FILE), changed(RUN), st.lists(st.sampled_from(sorted(ENTRY)), max_size=2)))


def _parse(parse: Callable[[bytes], object], *refusals: type[Exception]) -> Callable[[bytes], None]:
    def check(body: bytes) -> None:
        with suppress(BadObject, *refusals):
            parse(body)

    return check


def fuzz_objects(count: int) -> None:
    """Metrics, vital signs, manifests and knowledge: taken or refused."""
    learned = {"learned": {"/a": {"value": 1, "timestamp": NOON}}}
    readers: Sequence[tuple[Callable[[bytes], object], Mapping[str, Any]]] = (
        (AgentState.parse, STATE),
        (ServerMetrics.parse, METRICS),
        (VitalSigns.parse, SIGNS),
        (Manifest.model_validate_json, MANIFEST),
        (lambda body: parse_contribution("grok", body, 0), learned),
        (lambda body: parse_tree(body, 0), {"a": {"b": 1}, "_learned": {"/a": {"grok": learned["learned"]["/a"]}}}),
        *((model.parse, base) for model, base in BRAIN),
    )
    for parse, base in readers:
        run(count // len(readers) + 1, _parse(parse, ValidationError), texts(base))


class _Files:
    """A brain with one agent's file."""

    def __init__(self, body: bytes) -> None:
        self._files = {"config/agents/grok.yaml": body}

    def read(self, path: str) -> bytes | None:
        return self._files.get(path)

    def names(self, folder: str) -> Sequence[str]:
        return ["grok.yaml"] if folder.rstrip("/") == "config/agents" else []


def fuzz_settings(count: int) -> None:
    """A file of a brain's configuration: loaded, or refused in words."""
    base = {"role": "review", "model": "large", "server": "srv1", "restart": {"driver": "supervisor"}}

    def check(body: bytes) -> None:
        with suppress(SettingsError):
            load(_Files(body), environ={})

    run(count, check, texts(base))


FUZZ: dict[str, tuple[Callable[[int], None], int]] = {
    "states": (fuzz_states, 2000),
    "log lines": (fuzz_lines, 3000),
    "webhooks": (fuzz_webhooks, 1500),
    "listings": (fuzz_listings, 1500),
    "objects": (fuzz_objects, 1900),
    "settings": (fuzz_settings, 100),
}
"""Each fuzz, and how many inputs its long form generates."""


def main() -> None:
    """The long form."""
    logging.disable(logging.WARNING)
    done: Counter[str] = Counter()
    for name, (fuzz, count) in FUZZ.items():
        fuzz(count)
        done[name] = count
        sys.stdout.write(f"{name}: {count} inputs, no traceback, nothing of others changed\n")
    sys.stdout.write(f"in all {done.total()} inputs\n")


if __name__ == "__main__":
    main()
