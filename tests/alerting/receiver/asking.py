"""A receiver that asks people: its fleet, its channels, and the small programs around it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from alerting.journal import approvals
from alerting.journal.approvals import Answer, Approval
from alerting.model import AlertsFile
from alerting.receiver.approval_desk import ApprovalDesk
from alerting.receiver.approval_links import LinkSigner
from alerting.receiver.approval_messages import ApprovalMessages
from alerting.receiver.fleet import FleetConfig
from alerting.receiver.telegram_buttons import TelegramButtons
from nervesys.clients.alertmanager import AlertmanagerUnavailable, Cluster
from nervesys.metrics import Instruments
from tests.alerting.receiver.simulation import Simulation, a_fleet, agent_down
from tests.servers.chats import BOT_TOKEN, SLACK_PATH, Chats

KEY = "a-key-of-links-in-tests"
CHAT = 4242
SLACK = {"type": "slack", "channel": "#nervesys"}
TELEGRAM = {"type": "telegram", "chat_id": CHAT}


def asking_fleet(*names: str, channels: Mapping[str, Mapping[str, Any]], **health: Any) -> FleetConfig:
    """A fleet whose restarts are approved by people in these channels."""
    fleet = a_fleet(*names, **health)
    data = fleet.alerts.model_dump(by_alias=True, exclude_none=True)
    data["channels"] = channels
    for alert in data["alerts"]:
        alert["for"] = f"{alert['for']:.0f}s" if alert.get("for") else "0s"
        actions = [action for action in alert["actions"] if not action.get("notify")]
        confirmed = [{**action, "confirm": bool(action.get("auto_action"))} for action in actions]
        cleaned = [{key: value for key, value in action.items() if value} for action in confirmed]
        alert["actions"] = [*cleaned, *({"notify": name} for name in channels)]
    return replace(fleet, alerts=AlertsFile.model_validate(data))


class SilentCluster(Cluster):
    """Alertmanagers that remember what they were asked to silence, or are away."""

    def __init__(self) -> None:
        super().__init__(())
        object.__setattr__(self, "silences", [])
        object.__setattr__(self, "away", False)

    silences: list[tuple[Mapping[str, str], float, str]]
    away: bool

    def silence(self, labels: Mapping[str, str], since: float, until: float, by: str, comment: str) -> str:
        if self.away:
            raise AlertmanagerUnavailable("call Alertmanager: timed out")
        self.silences.append((labels, until - since, by))
        return "an-id"


@dataclass
class Asking:
    """Everything around a simulation that asks people."""

    sim: Simulation
    chats: Chats
    folder: Path
    signer: LinkSigner | None = field(default_factory=lambda: LinkSigner(SecretStr(KEY)))

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "slack_url").write_text(f"{self.chats.url}{SLACK_PATH}")
        (self.folder / "telegram_token").write_text(BOT_TOKEN)
        self.cluster = SilentCluster()
        sim = self.sim
        self.instruments: Instruments = sim.instruments
        self.desk = ApprovalDesk(
            sim.journal, sim.writer, self.cluster, lambda: sim.fleet, sim.instruments, sim.clock, sim.changes.extend
        )
        self.messages = ApprovalMessages(
            sim.journal,
            sim.writer,
            lambda: sim.fleet,
            self.signer,
            self.folder,
            self.chats.url,
            lambda: self.desk.can_silence,
            sim.instruments,
            sim.clock,
        )

    def send(self) -> None:
        """Send the messages that are due."""
        asyncio.run(self.messages.turn())

    def read_buttons(self, owner: str = "me") -> None:
        """Read the buttons that were pressed."""
        sim = self.sim
        buttons = TelegramButtons(
            sim.journal, sim.writer, lambda: sim.fleet, self.desk, owner, self.folder, self.chats.url, sim.clock
        )
        asyncio.run(buttons.turn())

    def answer(self, choice: Answer, by: str = "grace", seconds: int = 3600) -> str:
        """A person answers the newest question."""
        return asyncio.run(self.desk.answer(self.question().nonce, choice, by, seconds))

    def question(self, episode: int = 1) -> Approval:
        with self.sim.journal.transaction() as connection:
            return approvals.newest_of(connection, [episode])[episode]

    def falls(self, agent: str = "grok", at: str = "08:00") -> None:
        """The agent falls silent, and its alert is received."""
        self.sim.dies(agent)
        self.sim.passes(60)
        self.sim.receive(agent_down(agent, starts_at=f"2027-01-15T{at}:00Z", annotations='{"summary": "it is silent"}'))
        self.sim.passes(30)


def asking(
    folder: Path, chats: Chats, channels: Mapping[str, Mapping[str, Any]], url: str | None = None, **limits: Any
) -> Asking:
    """One agent that lives, in a fleet that asks."""
    folder.mkdir(exist_ok=True)
    sim = Simulation(folder, asking_fleet("grok", "gimai", channels=channels), url, **limits)
    for agent in sim.fleet.agents:
        sim.lives(agent, "one")
    sim.passes(30)
    sim.driver.effect = lambda agent: sim.lives(agent, f"new {len(sim.driver.calls)}")
    return Asking(sim, chats, folder / "secrets")


Effect = Callable[[str], None]
