"""What processes said before they were killed."""

import os
from multiprocessing.connection import Connection


def words_of(receiver: Connection) -> list[str]:
    """What a dead process had said, a line each, but for words cut short."""
    with receiver:
        said = b""
        while block := os.read(receiver.fileno(), 1 << 16):
            said += block
    return [word.decode() for word in said.split(b"\n")[:-1]]
