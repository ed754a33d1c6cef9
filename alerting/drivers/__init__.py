"""Drivers: how an agent's process is restarted. One file a driver, configured in the receiver's local file only."""

from typing import Annotated

from pydantic import PlainValidator

from alerting.drivers.command import CommandDriver
from alerting.drivers.docker import DockerDriver
from alerting.drivers.driver import Driver, RestartRequest
from alerting.drivers.instances import DriverInstances, read_instances
from alerting.drivers.kubernetes import KubernetesDriver
from alerting.drivers.pod import PodDriver
from alerting.drivers.supervisor import SupervisorDriver
from alerting.drivers.systemd import SystemdDriver
from nervesys.settings.section import SettingsSection

__all__ = ["Driver", "Drivers", "RestartRequest"]


class Drivers(SettingsSection):
    """The drivers that a receiver has, each named as its file is; what is left out, it does not have.

    Each is one instance, or several by name.
    """

    command: Annotated[CommandDriver | DriverInstances, PlainValidator(read_instances(CommandDriver))] | None = None
    docker: Annotated[DockerDriver | DriverInstances, PlainValidator(read_instances(DockerDriver))] | None = None
    kubernetes: (
        Annotated[KubernetesDriver | DriverInstances, PlainValidator(read_instances(KubernetesDriver))] | None
    ) = None
    pod: Annotated[PodDriver | DriverInstances, PlainValidator(read_instances(PodDriver))] | None = None
    supervisor: (
        Annotated[SupervisorDriver | DriverInstances, PlainValidator(read_instances(SupervisorDriver))] | None
    ) = None
    systemd: Annotated[SystemdDriver | DriverInstances, PlainValidator(read_instances(SystemdDriver))] | None = None

    def configured(self) -> dict[str, Driver]:
        """Those that there are, by name."""
        return {name: driver for name, driver in self if driver is not None}
