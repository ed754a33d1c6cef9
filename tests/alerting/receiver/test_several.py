"""Several receivers share one journal on PostgreSQL: one driver call an attempt, one latch for all of them."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select

from alerting.journal import Journal, JournalUnavailable
from alerting.journal.states import FLEET
from alerting.journal.tables import attempts, episodes
from tests.alerting.receiver.simulation import Simulation, a_fleet, agent_down
from tests.servers.postgres import Postgres

RECEIVERS = 3
ROUNDS = 30
Together = Callable[[int, int], list[Simulation]]


@pytest.fixture
def together(tmp_path: Path, postgresql: Postgres) -> Iterator[Together]:
    """Receivers over one fleet and one journal; some of the agents have died, and all of them received the alerts."""
    sims: list[Simulation] = []
    url = postgresql.database()

    def begin(agents: int, dead: int) -> list[Simulation]:
        fleet = a_fleet(*(f"agent-{number}" for number in range(agents)))
        sims.extend(Simulation(tmp_path, fleet, url) for _ in range(RECEIVERS))
        for sim in sims:
            sim.driver, sim.alive = sims[0].driver, sims[0].alive
            sim.start()
        for agent in fleet.agents:
            sims[0].lives(agent, "one")
        everywhere(sims, 6)
        sims[0].dies(*(f"agent-{number}" for number in range(dead)))
        everywhere(sims, 7)
        return sims

    yield begin
    for sim in sims:
        sim.journal.close()


def everywhere(sims: list[Simulation], rounds: int, alerts: int = 0) -> None:
    """Time passes everywhere at once; each receiver hears of the dead, and all have their turns side by side."""
    barrier = threading.Barrier(len(sims), sims[0].beat_all)

    def live(sim: Simulation) -> None:
        for _ in range(rounds):
            sim.now += 5
            barrier.wait(60)
            sim.receive(*(agent_down(f"agent-{number}") for number in range(alerts)))
            sim.turn()

    with ThreadPoolExecutor(len(sims)) as pool:
        list(pool.map(live, sims))


def test_each_attempt_is_one_driver_call(together: Together) -> None:
    sims = together(30, 8)
    sims[0].driver.effect = lambda agent: sims[0].lives(agent, "two")
    everywhere(sims, ROUNDS, alerts=8)
    assert Counter(sims[0].driver.calls) == {f"agent-{number}": 1 for number in range(8)}
    with sims[0].journal.transaction() as connection:
        assert connection.execute(select(func.count()).select_from(episodes)).scalar_one() == 8
        assert connection.execute(select(func.count()).select_from(attempts)).scalar_one() == 8
    assert set(sims[1].states().values()) == {"recovered"}
    recoveries = [sim.measured("action_recovery_duration_seconds_count", driver="supervisor") for sim in sims]
    assert sum(filter(None, recoveries)) == 8, "each is timed by the receiver that wrote it down"


def test_the_latch_holds_for_all_of_them(together: Together) -> None:
    sims = together(12, 8)
    everywhere(sims, ROUNDS, alerts=8)
    tried = set(sims[0].driver.calls)
    assert len(tried) <= sims[0].limits.blast_trial
    assert sum(agent == FLEET for agent in sims[2].states()) == 1


def test_a_server_that_goes_away_fails_the_commit_and_is_found_again(postgresql: Postgres, together: Together) -> None:
    (sim, *_) = together(4, 1)
    postgresql.stop()
    try:
        with pytest.raises(JournalUnavailable, match="use the journal"):
            sim.receive(agent_down("agent-0"))
        assert sim.writer.failure
    finally:
        postgresql.start()
    assert [change.agent for change in sim.receive(agent_down("agent-0"))] == ["agent-0"]
    assert sim.writer.failure is None


def test_a_journal_that_is_not_there_says_so_in_one_line() -> None:
    with pytest.raises(JournalUnavailable, match=r"^use the journal: .*refused$"):
        Journal.open("postgresql://nervesys@127.0.0.1:1/journal")
