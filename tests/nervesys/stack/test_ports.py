"""A taken address is told with what it is for, before anything starts."""

import socket

import pytest

from nervesys.stack.ports import PortsTaken, check


def test_every_taken_address_is_named_with_its_purpose() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        taken = [f"127.0.0.1:{server.getsockname()[1]}" for server in (one, other)]
        with pytest.raises(PortsTaken) as raised:
            check({"the store": taken[0], "the receiver": taken[1], "the page": "127.0.0.1:0"})
    said = str(raised.value)
    assert f"{taken[0]} (the store): taken; {taken[1]} (the receiver): taken" in said
    assert "the page" not in said
    check({"the store": taken[0]})
