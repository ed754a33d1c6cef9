"""How the git program is run: its arguments and environment, which never expose a secret."""

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
    variables = environment(remote, {}, 10)
    assert remote.url == URL
    assert SECRET not in repr(remote)
    assert variables[f"GIT_CONFIG_VALUE_{int(variables['GIT_CONFIG_COUNT']) - 1}"] == header(login)
    assert variables[f"GIT_CONFIG_KEY_{int(variables['GIT_CONFIG_COUNT']) - 1}"] == f"http.{URL}.extraHeader"


@pytest.mark.parametrize("url", ["http://host/brain.git", "git@host:owner/brain.git", "ssh://git@host/x", "/srv/brain"])
def test_a_login_never_travels_in_the_clear_nor_to_who_did_not_ask(url: str) -> None:
    variables = environment(Remote.of(url, SECRET), {}, 10)
    assert not [value for value in variables.values() if "Authorization" in value]


def test_variables_of_git_that_would_surprise_are_left_out() -> None:
    variables = environment(
        Remote(URL), {"GIT_DIR": "/x", "GIT_TRACE": "1", "GIT_SSH_COMMAND": "ssh -F f", "PATH": "/bin"}, 10
    )
    assert "GIT_DIR" not in variables
    assert "GIT_TRACE" not in variables
    assert variables["GIT_SSH_COMMAND"] == "ssh -F f"
    assert variables["PATH"] == "/bin"
    assert variables["GIT_TERMINAL_PROMPT"] == "0"


def test_an_invalid_url_is_reported() -> None:
    with pytest.raises(BrainUnavailable, match="open the brain: Invalid IPv6 URL"):
        Remote.of("https://[host/brain.git")


def test_an_operator_may_name_a_configuration_of_git() -> None:
    assert environment(Remote(URL), {}, 10)["GIT_CONFIG_GLOBAL"] == "/dev/null"
    assert environment(Remote(URL), {"GIT_CONFIG_GLOBAL": "/etc/our"}, 10)["GIT_CONFIG_GLOBAL"] == "/etc/our"
