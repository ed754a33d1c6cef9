"""Whether the addresses of the stack are free, asked before anything starts."""

import errno
import socket
from collections.abc import Mapping

from nervesys.errors import NervesysError


class PortsTaken(NervesysError):
    """Somebody else listens where the stack would."""


def check(addresses: Mapping[str, str]) -> None:
    """Refuse to go on where an address is taken.

    Args:
        addresses: `HOST:PORT` by what it is for.

    Raises:
        PortsTaken: naming every one that is taken, and what for.
    """
    taken = [f"{address} ({what}): {why}" for what, address in addresses.items() if (why := _problem(address))]
    if taken:
        raise PortsTaken(
            f"listen on {'; '.join(taken)}. Nothing was started. Stop who is there (`nervesys down`, where it is an "
            "earlier stack), or choose others under monitoring.listen"
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
