"""The output of processes before they were killed."""

import os
from multiprocessing.connection import Connection


def words_of(receiver: Connection) -> list[str]:
    """The lines that a dead process wrote, without an incomplete last line."""
    with receiver:
        output = b""
        while block := os.read(receiver.fileno(), 1 << 16):
            output += block
    return [word.decode() for word in output.split(b"\n")[:-1]]
