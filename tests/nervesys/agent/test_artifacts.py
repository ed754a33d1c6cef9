"""An agent's artifacts; requests pending at its end are sent by its next start."""

from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest
from pydantic import SecretStr

from nervesys.agent import Agent
from nervesys.artifacts.delivery import Delivery
from nervesys.artifacts.outbox import Outbox
from nervesys.errors import BadObject
from nervesys.stores.encryption import set_identity
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
