"""Where contents lie, and manifests of other programs."""

import json
from pathlib import Path

import pytest

from nervesys.artifacts.content_uri import content_uri, is_content_uri
from nervesys.artifacts.manifest import Manifest
from tests.nervesys.artifacts.service_setup import ServiceSetup

ROOT = "s3://fleet/artifacts"
FOREIGN = {
    "manifest": "1.0",
    "id": "art_abc123",
    "trace_id": "trace-7",
    "step_id": "research",
    "created_by": "agent.researcher.001",
    "created_at": "2026-01-31T10:15:00Z",
    "artifact_type": "report",
    "content_type": "text/markdown",
    "uri": f"{ROOT}/trace-7/research_v1.md",
    "size_bytes": 5,
    "checksum": f"sha256:{'0' * 64}",
    "status": "uploading",
    "retention": "infinite",
    "owner": "agent.researcher.001",
    "visibility": "trace",
}
"""As another program writes it."""


def test_the_manifest_of_another_program_is_accepted() -> None:
    manifest = Manifest.model_validate(FOREIGN)
    assert (manifest.checksum, manifest.retention, manifest.expires_at) == ("0" * 64, None, None)
    assert is_content_uri(ROOT, manifest)


def test_contents_are_named_by_trace_step_version_and_kind() -> None:
    manifest = Manifest.model_validate(FOREIGN)
    assert content_uri(ROOT, manifest) == f"{ROOT}/trace-7/research_v1_abc123.md"
    alone = manifest.model_copy(update={"step_id": None, "content_type": "application/x-unknown"})
    assert content_uri(ROOT, alone) == f"{ROOT}/trace-7/report_v1_abc123"
    odd = manifest.model_copy(update={"content_type": "application/manifest+json"})
    assert is_content_uri(ROOT, odd.model_copy(update={"uri": content_uri(ROOT, odd)})), "its extension is a long one"
    untraced = manifest.model_copy(update={"trace_id": None, "step_id": None})
    assert content_uri(ROOT, untraced) == f"{ROOT}/2026-01-31/art_abc123"


@pytest.mark.parametrize(
    "uri",
    [
        "s3://elsewhere/trace-7/research_v1.md",
        f"{ROOT}/trace-7/../trace-8/research_v1.md",
        f"{ROOT}/trace-8/research_v1.md",
        f"{ROOT}/trace-7/research_v2.md",
        f"{ROOT}/trace-7/research_v1_other1.md",
        f"{ROOT}/trace-7/research_v1.md/more",
    ],
)
def test_no_other_place_is_accepted(uri: str) -> None:
    assert not is_content_uri(ROOT, Manifest.model_validate({**FOREIGN, "uri": uri}))


def test_people_browse_the_contents_of_a_trace(setup: ServiceSetup) -> None:
    grok = setup.artifacts()
    first = grok.put("# Draft", "report", content_type="text/markdown", trace="sprint-12", step="draft")
    second = grok.put("# Better", "report", content_type="text/markdown", trace="sprint-12", supersedes=first)
    folder = Path(setup.files.root.removeprefix("file://")) / "sprint-12"
    assert sorted(file.name for file in folder.iterdir()) == [
        f"draft_v1_{first.id[-6:]}.md",
        f"report_v2_{second.id[-6:]}.md",
    ]
    assert grok.read(second.id) == b"# Better"


def test_two_artifacts_never_share_a_content(setup: ServiceSetup) -> None:
    mine = {
        **FOREIGN,
        "created_by": "grok",
        "owner": "grok",
        "uri": f"{setup.files.root}/trace-7/research_v1.md",
    }
    caller = setup.caller()
    caller.send("POST", "artifacts", json.dumps(mine).encode())
    with pytest.raises(Exception, match="it is that of art_abc123"):
        caller.send("POST", "artifacts", json.dumps({**mine, "id": "art_abc124"}).encode())
