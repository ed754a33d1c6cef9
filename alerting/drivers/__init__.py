"""Drivers: how an agent's process is restarted. One file a driver, configured in the receiver's local file only."""

from alerting.drivers.command import CommandDriver
from alerting.drivers.docker import DockerDriver
from alerting.drivers.driver import Driver, RestartRequest
from alerting.drivers.kubernetes import KubernetesDriver
from alerting.drivers.supervisor import SupervisorDriver
from alerting.drivers.systemd import SystemdDriver
from nervesys.settings.section import SettingsSection

__all__ = ["Driver", "Drivers", "RestartRequest"]


class Drivers(SettingsSection):
    """The drivers that a receiver has, each named as its file is; what is left out, it does not have."""

    command: CommandDriver | None = None
    docker: DockerDriver | None = None
    kubernetes: KubernetesDriver | None = None
    supervisor: SupervisorDriver | None = None
    systemd: SystemdDriver | None = None

    def configured(self) -> dict[str, Driver]:
        """Those that there are, by name."""
        return {name: driver for name, driver in self if driver is not None}
