"""What every test of the journal begins with: an alert that leads to a remedy and a record."""

from sqlalchemy import Connection

from alerting.journal import ActionState, Episode, Journal, StateChange, episodes
from alerting.journal.receive import Arrival, receive

DOWN = Arrival(
    alertname="AgentDown",
    fingerprint="f1",
    starts_at="2027-01-15T08:00:00Z",
    status="firing",
    sender="alertmanager",
    agent="grok",
    labels='{"severity": "critical"}',
    annotations="{}",
    remedies=("restart_agent",),
    records=(("log_to", "logs/alerts/"),),
)


def take(journal: Journal, *arrivals: Arrival, now: float = 100) -> list[StateChange]:
    """Journal some alerts."""
    with journal.transaction() as connection:
        return receive(connection, arrivals, now)


def newest(journal: Journal) -> Episode:
    """The agent's newest episode."""
    with journal.transaction() as connection:
        return _newest(connection)


def end(journal: Journal, state: ActionState, now: float = 200) -> None:
    """Have its newest episode enter a state, as by a decision."""
    with journal.transaction() as connection:
        episodes.decide(connection, _newest(connection), state, "test", "", now, due_at=None)


def _newest(connection: Connection) -> Episode:
    found = episodes.latest(connection, "restart_agent", "grok")
    assert found is not None
    return found
