"""How the git program is run: what it is told, and what it must never be told where others can read it."""

from base64 import b64encode

import pytest

from nervesys.errors import BrainUnavailable
from nervesys.stores.git import Remote, environment

SECRET = "s3cret"
URL = "https://host/owner/brain.git"


def header(login: str) -> str:
    return f"Authorization: Basic {b64encode(login.encode()).decode()}"


@pytest.mark.parametrize(
    ("url", "token", "login"),
    [
        pytest.param(URL, SECRET, f"x-access-token:{SECRET}", id="a token"),
        pytest.param(f"https://me:{SECRET}@host/owner/brain.git", None, f"me:{SECRET}", id="in the url"),
        pytest.param("https://me:a%40b@host/owner/brain.git", None, "me:a@b", id="in the url, quoted"),
        pytest.param("https://me:old@host/owner/brain.git", SECRET, f"x-access-token:{SECRET}", id="the token wins"),
    ],
)
def test_a_login_is_a_header_for_its_own_host_and_nothing_else(url: str, token: str | None, login: str) -> None:
    remote = Remote.of(url, token)
    told = environment(remote, {}, 10)
    assert remote.url == URL
    assert SECRET not in repr(remote)
    assert told[f"GIT_CONFIG_VALUE_{int(told['GIT_CONFIG_COUNT']) - 1}"] == header(login)
    assert told[f"GIT_CONFIG_KEY_{int(told['GIT_CONFIG_COUNT']) - 1}"] == f"http.{URL}.extraHeader"


@pytest.mark.parametrize("url", ["http://host/brain.git", "git@host:owner/brain.git", "ssh://git@host/x", "/srv/brain"])
def test_a_login_never_travels_in_the_clear_nor_to_who_did_not_ask(url: str) -> None:
    told = environment(Remote.of(url, SECRET), {}, 10)
    assert not [value for value in told.values() if "Authorization" in value]


def test_variables_of_git_that_would_surprise_are_left_out() -> None:
    told = environment(
        Remote(URL), {"GIT_DIR": "/x", "GIT_TRACE": "1", "GIT_SSH_COMMAND": "ssh -F f", "PATH": "/bin"}, 10
    )
    assert "GIT_DIR" not in told
    assert "GIT_TRACE" not in told
    assert told["GIT_SSH_COMMAND"] == "ssh -F f"
    assert told["PATH"] == "/bin"
    assert told["GIT_TERMINAL_PROMPT"] == "0"


def test_what_is_no_url_is_told() -> None:
    with pytest.raises(BrainUnavailable, match="open the brain: Invalid IPv6 URL"):
        Remote.of("https://[host/brain.git")


def test_an_operator_may_name_a_configuration_of_git() -> None:
    assert environment(Remote(URL), {}, 10)["GIT_CONFIG_GLOBAL"] == "/dev/null"
    assert environment(Remote(URL), {"GIT_CONFIG_GLOBAL": "/etc/our"}, 10)["GIT_CONFIG_GLOBAL"] == "/etc/our"
