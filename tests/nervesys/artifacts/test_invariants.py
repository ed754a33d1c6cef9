"""What must hold of artifacts, each tried to be broken.

Covers: nervesys.artifacts, nervesys.artifacts.access, nervesys.artifacts.api, nervesys.artifacts.content,
  nervesys.artifacts.manifest, nervesys.artifacts.metrics, nervesys.artifacts.program, nervesys.artifacts.tokens,
  nervesys.metrics.body.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from nervesys.artifacts.api_client import ServiceRefusal, ServiceUnavailable
from nervesys.artifacts.manifest import ArtifactStatus, Manifest, Visibility
from nervesys.artifacts.tables import manifests
from nervesys.artifacts.tokens import ADMIN
from nervesys.errors import NervesysError
from tests.nervesys.artifacts.service_setup import AGENTS, ServiceSetup, uri_of


def refusal(setup: ServiceSetup, method: str, path: str, body: Any, name: str = "grok") -> tuple[int, str]:
    with pytest.raises(ServiceRefusal) as refused:
        setup.caller(name).send(method, path, body if isinstance(body, bytes) else json.dumps(body).encode())
    return refused.value.status, str(refused.value)


def as_json(manifest: Manifest, **other: Any) -> dict[str, Any]:
    return {**manifest.model_dump(mode="json"), **other}


# An artifact exists if and only if its manifest is committed.


def test_what_is_put_can_be_listed_and_read(setup: ServiceSetup) -> None:
    grok = setup.artifacts()
    put = grok.put("# Plan", "plan", trace="sprint-12", step="plan", model_name="grok-4", execution_time_ms=12.5)
    assert grok.get(put.id) == put
    assert [manifest.id for manifest in grok.list(trace="sprint-12", artifact_type="plan")] == [put.id]
    assert grok.read(put.id) == b"# Plan"
    assert (put.status, put.visibility, put.size_bytes) == (ArtifactStatus.COMPLETED, Visibility.TRACE, 6)


def test_a_file_without_a_manifest_is_no_artifact(setup: ServiceSetup) -> None:
    grok = setup.artifacts()
    there = grok.put("here", "note")
    lonely = there.uri.rsplit("/", 1)[0] + "/01ARZ3NDEKTSV4RRFFQ69G5FAV"
    Path(lonely.removeprefix("file://")).write_text("lonely")
    assert [manifest.id for manifest in grok.list()] == [there.id]
    with pytest.raises(ServiceRefusal):
        grok.get("01ARZ3NDEKTSV4RRFFQ69G5FAV")


@pytest.mark.parametrize("lies", [None, b"half a con"], ids=["no content", "half of it"])
def test_a_manifest_is_completed_only_where_its_content_lies(setup: ServiceSetup, lies: bytes | None) -> None:
    grok = setup.artifacts()
    made = grok.put("the whole content", "note")
    other = as_json(made, id="01ARZ3NDEKTSV4RRFFQ69G5FAV", uri=uri_of(setup, made, "01ARZ3NDEKTSV4RRFFQ69G5FAV"))
    setup.caller().send("POST", "artifacts", json.dumps({**other, "status": "uploading"}).encode())
    if lies:
        file = Path(other["uri"].removeprefix("file://"))
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(lies)
    assert refusal(setup, "POST", f"artifacts/{other['id']}/completed", {})[0] == 409
    assert refusal(setup, "POST", "artifacts", other)[0] == 409
    assert refusal(setup, "GET", f"artifacts/{other['id']}/uri", {})[0] == 409
    assert [manifest.id for manifest in grok.list()] == [made.id]


def test_where_the_content_cannot_be_stored_nothing_exists(setup: ServiceSetup) -> None:
    grok = setup.artifacts()
    root = Path(setup.files.root.removeprefix("file://"))
    root.mkdir(parents=True)
    grok.put("x", "note")
    for day in root.iterdir():
        for file in day.iterdir():
            file.unlink()
        day.rmdir()
        day.write_text("in the way")
    with pytest.raises(NervesysError, match="write"):
        grok.put("y", "note")
    assert len(list(grok.list())) == 1
    assert {row.status for row in setup.rows(manifests)} == {"completed", "uploading"}


# It is immutable, but for its status.


@pytest.mark.parametrize(
    "other",
    [{"size_bytes": 1}, {"checksum": "0" * 64}, {"owner": "qwen"}, {"visibility": "public"}, {"retention": 1}],
    ids=lambda other: next(iter(other)),
)
def test_a_manifest_does_not_change(setup: ServiceSetup, other: dict[str, Any]) -> None:
    grok = setup.artifacts()
    made = grok.put("once", "note")
    status, why = refusal(setup, "POST", "artifacts", as_json(made, status="uploading", **other))
    assert (status, "manifests do not change" in why) == (409, True)
    assert grok.get(made.id) == made


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_there_is_no_way_to_change_it(setup: ServiceSetup, method: str) -> None:
    made = setup.artifacts().put("once", "note")
    assert refusal(setup, method, f"artifacts/{made.id}", as_json(made, owner="qwen"))[0] == 405


def test_registering_is_idempotent_and_completed_stays_completed(setup: ServiceSetup) -> None:
    grok = setup.artifacts()
    made = grok.put("once", "note")
    for status in ("uploading", "completed"):
        again = setup.caller().send("POST", "artifacts", json.dumps(as_json(made, status=status)).encode())
        assert Manifest.model_validate(again) == made
    assert len(setup.rows(manifests)) == 1


def test_a_new_version_supersedes_and_leaves_the_old(setup: ServiceSetup) -> None:
    grok = setup.artifacts()
    first = grok.put("manifest", "note")
    second = grok.put("two", "note", supersedes=first)
    assert (second.version, second.supersedes, grok.read(first.id)) == (2, first.id, b"manifest")
    with pytest.raises(ServiceRefusal, match="does not follow"):
        grok.put("three", "note", supersedes=first.model_copy(update={"version": 5}))


# Only pointers travel.


def test_no_content_reaches_the_service(setup: ServiceSetup) -> None:
    secret = "this very content, and nothing like it"
    grok = setup.artifacts()
    made = grok.put(secret, "note")
    for file in setup.place.home.glob("artifacts.sqlite3*"):
        assert secret.encode() not in file.read_bytes()
    assert refusal(setup, "POST", "artifacts", as_json(made, content=secret))[0] == 422
    assert refusal(setup, "POST", "artifacts", b"x" * (300 << 10))[0] == 413


@pytest.mark.parametrize("uri", ["file:///etc/passwd", "https://example.com/x", "{root}/../x", "{root}/2026-01-01/x"])
def test_no_pointer_leads_elsewhere(setup: ServiceSetup, uri: str) -> None:
    made = setup.artifacts().put("here", "note")
    other = as_json(made, id="01ARZ3NDEKTSV4RRFFQ69G5FAV", uri=uri.format(root=setup.files.root))
    assert refusal(setup, "POST", "artifacts", other)[0] == 422


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("artifacts", b"{"),
        ("artifacts", b'{"id": "../../x"}'),
        ("artifacts/..%2F..%2Fx/completed", b"{}"),
        ("traces/a%20b", b'{"at": 1}'),
        ("traces/t", b'{"at": "soon"}'),
        ("traces/t", b'{"at": 1, "members": ["not a name"]}'),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(setup: ServiceSetup, path: str, body: bytes) -> None:
    status, why = refusal(setup, "POST", path, body)
    assert status in {404, 422}
    assert "Traceback" not in why


# Access is checked in manifest place.


def seen_by(setup: ServiceSetup, id_: str) -> set[str]:
    """Who gets it, by each of the ways there are."""
    found = set()
    for name in (*AGENTS, ADMIN):
        listed = any(manifest["id"] == id_ for manifest in setup.caller(name).send("GET", "artifacts")["artifacts"])
        ways = {listed}
        for path in (f"artifacts/{id_}", f"artifacts/{id_}/uri"):
            try:
                setup.caller(name).send("GET", path)
                ways.add(True)
            except ServiceRefusal as refused:
                assert refused.status == 404  # not even that it is there
                ways.add(False)
        assert len(ways) == 1, f"{name} sees it manifest way and not another"
        found |= {name} if True in ways else set()
    return found


def test_who_sees_what(setup: ServiceSetup) -> None:
    grok = setup.artifacts()
    grok.trace("handover", members=["gimai"])
    shared = grok.put("for the trace", "note", trace="handover")
    private = grok.put("for me", "note", visibility="private")
    given = grok.put("for qwen", "note", visibility="private", owner="qwen")
    public = grok.put("for all", "note", visibility="public")
    assert seen_by(setup, shared.id) == {"grok", "gimai", ADMIN}
    assert seen_by(setup, private.id) == {"grok", ADMIN}
    assert seen_by(setup, given.id) == {"grok", "qwen", ADMIN}
    assert seen_by(setup, public.id) == {*AGENTS, ADMIN}


def test_nobody_acts_for_another_or_joins_a_trace_uninvited(setup: ServiceSetup) -> None:
    grok = setup.artifacts()
    made = grok.put("mine", "note", trace="t1", visibility="public")
    forged = as_json(made, id="01ARZ3NDEKTSV4RRFFQ69G5FAV", uri=uri_of(setup, made, "01ARZ3NDEKTSV4RRFFQ69G5FAV"))
    for name in ("qwen", ADMIN):
        assert refusal(setup, "POST", "artifacts", {**forged, "status": "uploading"}, name)[0] == 403
        assert refusal(setup, "POST", f"artifacts/{made.id}/completed", {}, name)[0] == 403
    with pytest.raises(ServiceRefusal, match="no member"):
        setup.artifacts("qwen").put("theirs", "note", trace="t1")
    assert refusal(setup, "POST", "traces/t1", {"at": 1, "members": ["qwen"]}, "qwen")[0] == 403
    assert refusal(setup, "POST", "traces/t1/steps/s", {"at": 1}, "qwen")[0] == 403
    assert refusal(setup, "GET", "traces/t1", {}, "qwen")[0] == 404


@pytest.mark.parametrize("shown", ["", "Bearer ", "Bearer wrong", "Basic x", "Bearer token-of-grok\xff"])
def test_without_a_token_there_is_nothing(setup: ServiceSetup, shown: str) -> None:
    made = setup.artifacts().put("mine", "note", visibility="public")
    for path in ("artifacts", f"artifacts/{made.id}", f"artifacts/{made.id}/uri", "traces/t1"):
        head = {"Authorization": shown.encode("latin-1")}
        assert requests.get(f"http://{setup.address}/api/v1/{path}", headers=head, timeout=5).status_code == 401


def test_a_token_that_is_taken_away_opens_nothing_any_more(tmp_path: Path) -> None:
    now = [1_800_000_000.0]
    with ServiceSetup(tmp_path, clock=lambda: now[0]) as setup:
        qwen = setup.caller("qwen")
        assert qwen.send("GET", "artifacts") == {"artifacts": []}
        (tmp_path / "secrets/artifacts/qwen").unlink()
        now[0] += 5
        with pytest.raises(ServiceRefusal):
            qwen.send("GET", "artifacts")


def test_only_the_administrator_deletes_and_what_is_gone_stays_gone(setup: ServiceSetup) -> None:
    grok = setup.artifacts()
    made = grok.put("for a while", "note")
    assert refusal(setup, "DELETE", f"artifacts/{made.id}", {})[0] == 403
    setup.caller(ADMIN).send("DELETE", f"artifacts/{made.id}")
    assert not setup.has_content(made)
    assert list(grok.list()) == []
    assert refusal(setup, "GET", f"artifacts/{made.id}", {})[0] == 404
    assert refusal(setup, "POST", "artifacts", as_json(made, status="uploading"))[0] == 410


# What is read is what was put.


def test_a_content_that_was_changed_is_noticed(setup: ServiceSetup) -> None:
    grok = setup.artifacts()
    made = grok.put("right", "note")
    Path(made.uri.removeprefix("file://")).write_text("wrong")
    with pytest.raises(NervesysError, match="checksum"):
        grok.read(made.id)


def test_an_agent_knows_that_the_service_is_away(setup: ServiceSetup) -> None:
    grok = setup.artifacts()
    setup.stop()
    with pytest.raises(ServiceUnavailable):
        grok.get("01ARZ3NDEKTSV4RRFFQ69G5FAV")
