"""Requests to our own programs pass their basic auth, and say why there is no response."""

import pytest
from pydantic import SecretStr

from nervesys.clients.own_pages import PageUnavailable, get_page
from nervesys.metrics import EMPTY
from nervesys.metrics.pages import HttpProgram, application, serve_in_background
from nervesys.settings import Web
from tests.servers.s3 import free_port

WEB = Web(basic_auth_user="operator", basic_auth_password=SecretStr("a password"))


def test_a_page_is_read_with_user_and_password_and_whatever_its_status() -> None:
    program = HttpProgram("toy", "A toy.", lambda: EMPTY, lambda: "not read yet")
    address = f"127.0.0.1:{free_port()}"
    with serve_in_background(application(program, WEB), address, WEB):
        response = get_page(f"http://{address}/-/ready", WEB)
        assert (response.status_code, response.text) == (503, "not read yet\n")
        assert get_page(f"http://{address}/-/ready", Web()).status_code == 401


def test_without_a_response_the_reason_is_named() -> None:
    url = f"http://127.0.0.1:{free_port()}/-/ready"
    with pytest.raises(PageUnavailable, match=f"get {url}: cannot connect"):
        get_page(url, WEB)
