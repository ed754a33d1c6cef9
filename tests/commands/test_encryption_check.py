"""What `nervesys doctor` and `nervesys config check` report of encryption.

Covers: commands.diagnosis.encryption.
"""

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pyrage
import pytest
from pydantic import SecretStr

from commands.diagnosis import encryption
from commands.diagnosis.encryption import check_encryption
from nervesys.settings.storage import EncryptionSettings
from nervesys.stores.encryption import set_identity
from tests.commands.conftest import Run

OURS = pyrage.x25519.Identity.generate()
ON = EncryptionSettings(recipients=(str(OURS.to_public()),))
FOR_ALL = ON.model_copy(update={"between_agents": True})


@pytest.fixture(autouse=True)
def _no_identity() -> Iterator[None]:
    set_identity(None)
    yield
    set_identity(None)


def levels(settings: EncryptionSettings, role: str = "monitoring") -> list[str]:
    return [finding.level.value for finding in check_encryption(settings, role)]


def test_the_identity_is_missing_another_or_right() -> None:
    assert levels(EncryptionSettings()) == ["OK"]
    assert levels(ON) == ["OK", "WARN"]
    assert levels(ON, "agent") == ["OK"], "an agent only writes"
    assert levels(FOR_ALL, "agent") == ["OK", "FAIL"], "it reads what others learned"
    set_identity(SecretStr(str(pyrage.x25519.Identity.generate())))
    assert levels(ON) == ["OK", "FAIL"]
    assert "which is none of encryption.recipients" in list(check_encryption(ON, "agent"))[1].what
    set_identity(SecretStr("AGE-SECRET-KEY-1nonsense"))
    assert levels(ON) == ["OK", "FAIL"]
    set_identity(SecretStr(str(OURS)))
    assert levels(ON) == ["OK", "OK"]
    with mock.patch.object(encryption, "missing_package", return_value="no pyrage"):
        assert levels(ON) == ["OK", "FAIL"]


def test_config_check_names_what_is_covered_and_what_is_not(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/storage.yaml").write_text(f"encryption: {{recipients: [{OURS.to_public()}]}}\n")
    ran = run("config", "check", "--brain", str(tmp_path))
    assert ran.code == 0
    assert "1 recipient alone reads logs" in ran.out
    assert "so do knowledge and contents of artifacts, which agents read from each other" in ran.out
    assert str(OURS) not in ran.out
