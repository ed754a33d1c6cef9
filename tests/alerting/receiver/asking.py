"""A receiver that asks people: its fleet, its channels, and the small programs around it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import SecretStr, TypeAdapter

from alerting.journal import approvals
from alerting.journal.approvals import Answer, Approval
from alerting.model import Action, Channel
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
CHANNEL: TypeAdapter[Channel] = TypeAdapter(Channel)
SLACK = {"type": "slack", "channel": "#nervesys"}
TELEGRAM = {"type": "telegram", "chat_id": CHAT}


def asking_fleet(*names: str, channels: Mapping[str, Mapping[str, Any]], **health: Any) -> FleetConfig:
    """A fleet whose restarts are approved by people in these channels."""
    fleet = a_fleet(*names, **health)
    notify = tuple(Action(notify=name) for name in channels)
    alerts = tuple(
        alert.model_copy(update={"actions": (*map(_confirmed, alert.actions), *notify)})
        for alert in fleet.alerts.alerts
    )
    made = {name: CHANNEL.validate_python(fields) for name, fields in channels.items()}
    return replace(fleet, alerts=fleet.alerts.model_copy(update={"alerts": alerts, "channels": made}))


def _confirmed(action: Action) -> Action:
    return action.model_copy(update={"confirm": action.auto_action is not None})


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
        self.readers: dict[str, TelegramButtons] = {}
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
        asyncio.run(self.readers.setdefault(owner, buttons).turn())

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
