"""Which agent may report about which server: an agent's objects are evidence about itself and its own server only."""

from collections.abc import Mapping

from nervesys.contract import AgentState
from nervesys.errors import BadObject, Reason
from nervesys.settings import AgentConfig


class Ownership:
    """Checks what objects claim against their keys and against the servers that the brain pins.

    Args:
        agents: the configured fleet, by name.
    """

    def __init__(self, agents: Mapping[str, AgentConfig]) -> None:
        self._pinned = {name: config.server for name, config in agents.items() if config.server}
        self._pinned_servers = frozenset(self._pinned.values())

    def check_key(self, agent: str, server: str | None) -> None:
        """Check a key that names an agent and perhaps a server.

        Raises:
            BadObject: `wrong_owner` where the brain pins the agent to another server.
        """
        pinned = self._pinned.get(agent, server)
        if server and server != pinned:
            raise BadObject(Reason.WRONG_OWNER, f"under server {server}, but the brain pins {agent} to {pinned}")

    def check_report(self, agent: str, server: str, key_server: str | None) -> None:
        """Check that an agent may report about a server.

        Args:
            agent: who reports, as the key shows.
            server: that the body is about.
            key_server: that the key names; None where its template has none.

        Raises:
            BadObject: `wrong_owner`.
        """
        pinned = self._pinned.get(agent)
        if server != (pinned or key_server or server):
            raise BadObject(Reason.WRONG_OWNER, f"{agent} is on {pinned or key_server}, and reports about {server}")
        if pinned is None and server in self._pinned_servers:
            raise BadObject(Reason.WRONG_OWNER, f"the brain pins other agents to {server}, but not {agent}")

    def own_part(self, agent: str, state: AgentState, key_server: str | None) -> tuple[AgentState, BadObject | None]:
        """What of a state its agent may report, and what is wrong with the rest.

        Raises:
            BadObject: `wrong_owner` where it is the state of another agent.
        """
        if state.agent_id != agent:
            raise BadObject(Reason.WRONG_OWNER, f"the state of {state.agent_id} under the name of {agent}")
        servers = [server for server in (state.server, state.metrics and state.metrics.server) if server]
        try:
            for server in servers:
                self.check_report(agent, server, key_server)
                self.check_report(agent, server, servers[0])
        except BadObject as bad:
            expected = self._pinned.get(agent) or key_server
            return state.model_copy(update={"server": expected, "metrics": None}), bad
        return state, None
