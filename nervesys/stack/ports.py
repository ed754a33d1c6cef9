"""Checks that the addresses of the stack are free, before anything starts."""

import errno
import socket
from collections.abc import Mapping

from nervesys.errors import NervesysError


class PortsTaken(NervesysError):
    """Another program listens on an address of the stack."""


def check(addresses: Mapping[str, str]) -> None:
    """Check that all addresses are free.

    Args:
        addresses: `HOST:PORT` by description.

    Raises:
        PortsTaken: names all addresses that are taken.
    """
    taken = [f"{address} ({what}): {why}" for what, address in addresses.items() if (why := _problem(address))]
    if taken:
        raise PortsTaken(
            f"listen on {'; '.join(taken)}. Nothing was started. Stop those programs (a stack of another "
            "folder with `nervesys down --home DIR`), or set other addresses in config/monitoring.yaml"
        )


def _problem(address: str) -> str | None:
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except OSError as err:
            return "taken" if err.errno == errno.EADDRINUSE else err.strerror
    return None
