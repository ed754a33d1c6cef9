"""The state of services in other containers: whether their addresses accept connections."""

import socket

from nervesys.clients.supervisor import Process
from nervesys.stack.layout import Stack

TIMEOUT_SECONDS = 2


def remote(stack: Stack) -> dict[str, Process]:
    """The remote services of a stack as if supervisor ran them, by name; their start time is unknown."""
    return {
        service.name: Process(service.name, "RUNNING" if _accepts(service.address) else "STOPPED", 0, 0, service.about)
        for service in stack.services
        if service.remote and service.address
    }


def _accepts(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), TIMEOUT_SECONDS):
            return True
    except OSError:
        return False
