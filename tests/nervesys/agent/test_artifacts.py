"""An agent's artifacts; requests pending at its end are sent by its next start."""

from collections.abc import Callable
from pathlib import Path

from nervesys.agent import Agent
from nervesys.artifacts.delivery import Delivery
from nervesys.artifacts.outbox import Outbox
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
