"""Connections to mail servers with one deadline for the whole conversation; smtplib's timeout holds for each read."""

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nervesys.clients.deadline import Deadline, watch


class _Smtp(smtplib.SMTP):
    def _get_socket(self, *args: Any) -> socket.socket:
        made: socket.socket = super()._get_socket(*args)  # type: ignore[misc]  # smtplib's own hook for SMTP_SSL
        watch(made)
        return made


class _SmtpTls(smtplib.SMTP_SSL, _Smtp):
    """TLS from the first byte; its socket is made by `_Smtp`, and watched before the handshake."""


@contextmanager
def smtp(
    host: str, port: int, timeout_seconds: float, total_seconds: float, tls: ssl.SSLContext | None = None
) -> Iterator[smtplib.SMTP]:
    """A connection to a mail server.

    Args:
        host: of the server.
        port: of the server.
        timeout_seconds: of each read.
        total_seconds: of all that is done with it.
        tls: for TLS from the first byte; None for none, or STARTTLS.

    Raises:
        TimeoutError: the total time is over.
        OSError: it cannot be reached.
        smtplib.SMTPException: it refuses.
    """
    with Deadline(total_seconds) as deadline:
        try:
            with (
                _SmtpTls(host, port, timeout=timeout_seconds, context=tls)
                if tls
                else _Smtp(host, port, timeout=timeout_seconds)
            ) as server:
                yield server
        except (OSError, smtplib.SMTPException) as err:
            if deadline.passed:
                raise TimeoutError(f"not complete within {total_seconds:g} s") from err
            raise
