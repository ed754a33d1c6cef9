"""Drivers: how an agent's process is restarted. One file a driver, configured in the receiver's local file only."""

from collections.abc import Callable
from typing import Any

from alerting.drivers.driver import Driver
from alerting.drivers.supervisor import SupervisorDriver
from alerting.receiver.local import Drivers

DRIVERS: dict[str, Callable[[Any], Driver]] = {
    "supervisor": SupervisorDriver,
}
"""Every driver, by its file's name, which is also its key in the local file; made from what stands there."""

__all__ = ["DRIVERS", "Driver", "open_drivers"]


def open_drivers(settings: Drivers) -> dict[str, Driver]:
    """The drivers that the local file configures, by name."""
    said = {name: getattr(settings, name) for name in DRIVERS}
    return {name: DRIVERS[name](group) for name, group in said.items() if group is not None}
