"""An agent's artifacts; requests pending at its end are sent by its next start.

Covers: nervesys.artifacts.audit.
"""

from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest
from pydantic import SecretStr

from nervesys.agent import Agent
from nervesys.artifacts.api_client import ServiceClient, ServiceRefusal
from nervesys.artifacts.delivery import Delivery
from nervesys.artifacts.outbox import Outbox
from nervesys.errors import BadObject
from nervesys.stores.encryption import set_identity
from tests.audit_events import audited_events
from tests.nervesys.artifacts.service_setup import ServiceSetup


def test_pending_requests_are_sent_at_a_heartbeat_after_the_next_start(
    tmp_path: Path, brain: Path, grok: Callable[[], Agent], wait_until: Callable[..., None]
) -> None:
    home = tmp_path / "home"
    with ServiceSetup(home) as setup:
        (brain / "config/storage.yaml").write_text(f"artifacts: {{service: 'http://{setup.address}'}}\n")
        waiting = Outbox(home / "agents/grok/artifacts.sqlite3")
        setup.stop()
        made = setup.artifacts("grok", Delivery(setup.caller(), waiting, ())).put("made before the kill", "note")
        waiting.close()
        setup.start()
        with grok() as agent:
            wait_until(lambda: any(artifact.id == made.id for artifact in setup.artifacts().list()))
            assert agent.artifacts.read(made.id) == b"made before the kill"


def test_contents_are_encrypted_for_agents_with_the_identity(
    tmp_path: Path, brain: Path, grok: Callable[[], Agent]
) -> None:
    ours = pyrage.x25519.Identity.generate()
    with ServiceSetup(tmp_path / "home") as setup:
        plain = setup.artifacts().put("as it is", "note")
        (brain / "config/storage.yaml").write_text(
            f"artifacts: {{service: 'http://{setup.address}'}}\n"
            f"encryption: {{recipients: ['{ours.to_public()}'], between_agents: true}}\n"
        )
        with grok() as agent:
            made = agent.artifacts.put("the secret plan", "note", trace="t1", step="s1")
            assert made.uri.endswith(".age")
            assert setup.has_content(made)
            assert setup.files.checksum(made.uri) == made.checksum
            with setup.files.open(made.uri) as stored:
                assert b"secret" not in stored.read()
            with pytest.raises(BadObject, match="it is encrypted; set NERVESYS_AGE_IDENTITY"):
                agent.artifacts.read(made.id)
            set_identity(SecretStr(str(ours)))
            try:
                assert agent.artifacts.read(made.id) == b"the secret plan"
                assert agent.artifacts.read(plain.id) == b"as it is"
            finally:
                set_identity(None)


def test_reads_refusals_and_deletions_are_audited(tmp_path: Path) -> None:
    with ServiceSetup(tmp_path / "home") as setup, audited_events() as events:
        made = setup.artifacts().put("for grok alone", "note")
        setup.artifacts().read(made.id)
        with pytest.raises(ServiceRefusal):
            setup.artifacts("qwen").read(made.id)
        with pytest.raises(ServiceRefusal):
            ServiceClient(f"http://{setup.address}", "a-token-of-nobody-at-all").send("GET", f"artifacts/{made.id}")
        setup.caller("_admin").send("DELETE", f"artifacts/{made.id}")
    assert events == [
        ("read_artifact", "ok", "token grok", f"get {made.id}"),
        ("read_artifact", "denied", "token qwen", f"get {made.id}"),
        ("sign_in", "denied", "unknown", f"artifact service: get {made.id}"),
        ("delete_artifact", "ok", "token _admin", f"delete {made.id}"),
    ]
