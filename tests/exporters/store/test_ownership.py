"""What an agent may report: itself and its own server, as its key and the brain show.

Covers: exporters.store.ownership.
"""

import pytest

from exporters.store.ownership import Ownership
from nervesys.contract import AgentState, ServerMetrics
from nervesys.errors import BadObject
from nervesys.settings import AgentConfig

OWNERSHIP = Ownership(
    {
        "grok": AgentConfig(name="grok", server="srv1"),
        "gimai": AgentConfig(name="gimai"),
        "zoe": AgentConfig(name="zoe"),
    }
)


@pytest.mark.parametrize(
    ("agent", "server", "key_server", "good"),
    [
        pytest.param("grok", "srv1", None, True, id="pinned"),
        pytest.param("grok", "srv1", "srv1", True, id="pinned, and under its server"),
        pytest.param("grok", "srv2", None, False, id="about another than the pinned one"),
        pytest.param("grok", "srv2", "srv2", False, id="under another than the pinned one"),
        pytest.param("gimai", "srv2", None, True, id="not pinned"),
        pytest.param("gimai", "srv2", "srv2", True, id="not pinned, under its server"),
        pytest.param("gimai", "srv3", "srv2", False, id="not pinned, under another server"),
        pytest.param("gimai", "srv1", None, False, id="about a server that is pinned to others"),
        pytest.param("gimai", "srv1", "srv1", False, id="under a server that is pinned to others"),
    ],
)
def test_who_may_report_about_which_server(agent: str, server: str, key_server: str | None, *, good: bool) -> None:
    try:
        OWNERSHIP.check_report(agent, server, key_server)
    except BadObject as bad:
        assert (bad.reason, good) == ("wrong_owner", False)
    else:
        assert good


def test_a_key_under_another_server_than_the_pinned_one_is_refused() -> None:
    OWNERSHIP.check_key("grok", "srv1")
    OWNERSHIP.check_key("grok", None)
    OWNERSHIP.check_key("gimai", "srv9")
    with pytest.raises(BadObject, match="the brain pins grok to srv1"):
        OWNERSHIP.check_key("grok", "srv2")


def test_of_a_state_with_foreign_claims_the_rest_is_kept() -> None:
    metrics = ServerMetrics(timestamp=0, server="srv2")
    state = AgentState(agent_id="grok", status="running", timestamp=0, server="srv1", metrics=metrics)
    own, foreign = OWNERSHIP.own_part("grok", state, None)
    assert (own.server, own.metrics, own.status) == ("srv1", None, "running")
    assert foreign is not None
    with pytest.raises(BadObject, match="the state of grok under the name of gimai"):
        OWNERSHIP.own_part("gimai", state, None)


def test_a_state_that_names_two_servers_shows_neither() -> None:
    metrics = ServerMetrics(timestamp=0, server="srv2")
    state = AgentState(agent_id="zoe", status="running", timestamp=0, server="srv3", metrics=metrics)
    own, foreign = OWNERSHIP.own_part("zoe", state, None)
    assert (own.server, own.metrics) == (None, None)
    assert foreign is not None
