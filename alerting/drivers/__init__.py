"""Drivers: how an agent's process is restarted. One file a driver, configured in the receiver's local file only."""

from alerting.drivers.command import Command
from alerting.drivers.docker import Docker
from alerting.drivers.driver import Driver, Order
from alerting.drivers.kubernetes import Kubernetes
from alerting.drivers.supervisor import Supervisor
from alerting.drivers.systemd import Systemd
from nervesys.settings.section import SettingsSection

__all__ = ["Driver", "Drivers", "Order"]


class Drivers(SettingsSection):
    """The drivers that a receiver has, each named as its file is; what is left out, it does not have."""

    command: Command | None = None
    docker: Docker | None = None
    kubernetes: Kubernetes | None = None
    supervisor: Supervisor | None = None
    systemd: Systemd | None = None

    def configured(self) -> dict[str, Driver]:
        """Those that there are, by name."""
        return {name: driver for name, driver in self if driver is not None}
