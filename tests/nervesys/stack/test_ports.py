"""An address in use is reported with its purpose, before anything starts."""

import socket

import pytest

from nervesys.stack.ports import PortsTaken, check


def test_every_taken_address_is_named_with_its_purpose() -> None:
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as other:
        taken = [f"127.0.0.1:{server.getsockname()[1]}" for server in (first, other)]
        with pytest.raises(PortsTaken) as raised:
            check({"the store": taken[0], "the receiver": taken[1], "the page": "127.0.0.1:0"})
    message = str(raised.value)
    assert f"{taken[0]} (the store): taken; {taken[1]} (the receiver): taken" in message
    assert "the page" not in message
    check({"the store": taken[0]})
