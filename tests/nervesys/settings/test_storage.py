"""Names of branches and repositories, which become arguments of git and paths of an API.

Covers: nervesys.settings.storage.
"""

import subprocess

import pytest
from pydantic import ValidationError

from nervesys.settings import load
from nervesys.settings.storage import BrainSettings

SETTINGS = dict(load().settings.storage.brain)


@pytest.mark.parametrize(
    "name",
    ["main", "team/state", "release-1.2", "ünï", "a.lock.b", "x@y", "-x", "--upload-pack=x", "a:b", "a*", "a b", "a..b",
     "a//b", "/a", "a/", ".a", "a/.b", "a.", "a.lock", "a.lock/b", "a@{b", "@", "", "a\nb", "a~1", "a^", "a\\b"],
)  # fmt: skip
def test_a_branch_has_a_name_that_git_accepts(name: str) -> None:
    valid = (
        subprocess.run(["git", "check-ref-format", "--branch", name], capture_output=True, check=False).returncode == 0
    )
    for field in ("branch", "state_branch"):
        try:
            BrainSettings.model_validate(SETTINGS | {field: name})
        except ValidationError:
            assert not valid, name
        else:
            assert valid, name


@pytest.mark.parametrize("name", ["brain", "a/b/c", "../..?x/y", "a b/c", "https://github.com/a/b"])
def test_a_repository_is_an_owner_and_a_name(name: str) -> None:
    with pytest.raises(ValidationError, match="must be OWNER/NAME"):
        BrainSettings.model_validate(SETTINGS | {"repository": name})
