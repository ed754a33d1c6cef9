"""The agents' container: what its configuration reveals, and what the commands in it see.

Covers: nervesys.stack.container, nervesys.stack.remote.
"""

import hashlib
import socket

from nervesys.settings import load
from nervesys.stack.container import config, stack
from nervesys.stack.layout import Service, Stack
from nervesys.stack.remote import remote


def test_agents_can_read_a_hash_of_the_password_only() -> None:
    text = config(["grok"], "a password")
    assert "a password" not in text
    assert f"password={{SHA}}{hashlib.sha1(b'a password').hexdigest()}" in text
    assert "[program:grok]" in text


def test_the_stack_of_the_container_names_every_service_with_the_address_that_people_open() -> None:
    settings = load(profile="local,compose").settings
    found = stack(settings, ["grok"], {"grafana": "http://127.0.0.1:1/"})
    assert found.agents == ("grok",)
    assert found.service("grafana").url == "http://127.0.0.1:1/"
    assert found.service("receiver").address == "receiver:17010"
    assert found.service("exporters").address == "exporters:17000"
    assert found.service("exporters").sources == tuple(settings.sources)
    assert not found.service("vital-signs").remote


def test_a_remote_service_runs_while_its_address_accepts_connections(tmp_path: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        services = (
            Service(name="open", about="", argv=(), address=address, remote=True),
            Service(name="gone", about="", argv=(), address="name.invalid:1", remote=True),
            Service(name="local", about="", argv=(), address=address),
        )
        found = remote(Stack(home=tmp_path, socket=tmp_path, environ={}, services=services))
    assert {name: process.state for name, process in found.items()} == {"open": "RUNNING", "gone": "STOPPED"}
