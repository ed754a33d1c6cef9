"""The interface of a remedial action: a module of this folder that an alert may name as its `auto_action`."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from alerting.drivers import Driver
from alerting.drivers.outcome import Outcome
from nervesys.settings import AgentConfig


class Proof(StrEnum):
    """What proves that an attempt has helped."""

    NEW_INSTANCE = "new_instance"
    """Another instance of the agent, running or idle at two heartbeats: for actions that restart the agent.

    A fresh heartbeat before the attempt means that there is nothing to do, and the blast radius and the hourly cap of
    restarts apply.
    """
    STOPPED = "stopped"
    """Status `stopped`, or silence: for actions that stop the agent, which need a budget that permits it."""
    OUTCOME = "outcome"
    """The attempt's own outcome `Done`: for actions that are no restarts. They run once for each firing of an alert."""


class Remedy(Protocol):
    """A remedial action; the receiver decides when it is attempted, counts, waits for proof and escalates."""

    @property
    def PROOF(self) -> Proof:  # noqa: N802  # modules implement this, and it is their constant
        """What proves it."""

    def driver_name(self, config: AgentConfig) -> str:
        """What carries it out: the value of `driver` in the journal and in the metrics."""

    def unreachable(self, drivers: Mapping[str, Driver], config: AgentConfig, server: str) -> str:
        """Why it cannot be attempted; empty when it can.

        Args:
            drivers: those of this receiver, by name.
            config: the agent's.
            server: that the agent last wrote from; empty where it is not known.
        """

    def attempt(self, drivers: Mapping[str, Driver], config: AgentConfig, server: str) -> Outcome:
        """One attempt; blocks, but never without a time limit. The arguments are those of `unreachable`."""
