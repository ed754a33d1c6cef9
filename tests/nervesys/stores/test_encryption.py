"""Encrypted bodies: an identity reads them whole; anything else raises an error and costs one object."""

import errno
import io
from collections.abc import Iterator
from pathlib import Path

import pyrage
import pytest
from pydantic import SecretStr

from nervesys.contract import PathTemplate
from nervesys.errors import BadObject, NervesysError, Reason, SourceError
from nervesys.stores import encryption
from nervesys.stores.encryption import decrypt, decrypted_file, encrypt, encrypted_file, key_for, set_identity
from nervesys.stores.lines import lines_of
from nervesys.stores.packing import pack
from tests.properties import HealthCheck, given, settings, st

KEYS = ["log.jsonl.age", "log.jsonl.gz.age", "log.jsonl.zst.age"]
LINES = [b'{"message": "review of %d files"}\n' % number for number in range(5000)]
OURS, OTHERS = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
RECIPIENT = str(OURS.to_public())
SEALED = encrypt(b"".join(LINES), [RECIPIENT])


@pytest.fixture(autouse=True)
def _ours() -> Iterator[None]:
    set_identity(SecretStr(f"# created: 2026-01-01\n# public key: {RECIPIENT}\n{OTHERS}\n{OURS}\n"))
    yield
    set_identity(None)


def refused(body: bytes, key: str = KEYS[1]) -> Reason:
    with pytest.raises(BadObject) as error:
        list(lines_of(io.BytesIO(body), key))
    assert str(OURS) not in str(error.value)
    return error.value.reason


@pytest.mark.parametrize("key", KEYS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.binary(max_size=300), max_size=9))
def test_what_was_sealed_is_read_by_its_recipients(key: str, parts: list[bytes]) -> None:
    body = pack(parts, key, recipients=[RECIPIENT])
    assert b"".join(lines_of(io.BytesIO(body), key)) == b"".join(parts)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damage_passes_for_content(data: st.DataObject) -> None:
    body = SEALED
    at = data.draw(st.integers(0, len(body) - 1))
    flipped = body[:at] + bytes([body[at] ^ data.draw(st.integers(1, 255))]) + body[at + 1 :]
    for bad in (body[:at], flipped):
        assert refused(bad, KEYS[0]) in {Reason.BAD_AGE, Reason.NO_IDENTITY}


def test_a_body_cut_short_gives_no_line_at_all() -> None:
    body = pack(LINES * 20, KEYS[1], recipients=[RECIPIENT])
    with pytest.raises(BadObject, match="bad_age"), decrypted_file(io.BytesIO(body[:-1]), KEYS[1]):
        pytest.fail("it was opened")


def test_another_identity_or_none_raises_an_error() -> None:
    body = pack(LINES, KEYS[1], recipients=[RECIPIENT])
    for identity, message in ((SecretStr(str(OTHERS)), "for others"), (None, "set NERVESYS_AGE_IDENTITY")):
        set_identity(identity)
        with pytest.raises(BadObject, match=message) as error:
            list(lines_of(io.BytesIO(body), KEYS[1]))
        assert error.value.reason is Reason.NO_IDENTITY
    set_identity(SecretStr("AGE-SECRET-KEY-1NONE"))
    assert refused(body) is Reason.NO_IDENTITY


def test_an_identity_is_replaced_in_its_file_while_the_program_runs(tmp_path: Path) -> None:
    body, file = pack(LINES, KEYS[1], recipients=[RECIPIENT]), tmp_path / "identity"
    file.write_text(f"{OTHERS}\n")
    set_identity(SecretStr(str(OTHERS)), str(file))
    assert refused(body) is Reason.NO_IDENTITY
    file.write_text(f"# both, while keys are replaced\n{OTHERS}\n{OURS}\n")
    assert list(lines_of(io.BytesIO(body), KEYS[1])) == LINES
    for damage in (b"", b"\xff", b"# nothing yet"):
        file.write_bytes(damage)
        assert list(lines_of(io.BytesIO(body), KEYS[1])) == LINES, "what it held last counts"
    file.unlink()
    assert list(lines_of(io.BytesIO(body), KEYS[1])) == LINES


def test_without_the_package_the_error_has_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    body = pack(LINES, KEYS[1], recipients=[RECIPIENT])

    def absent() -> None:
        raise NervesysError(f"encryption needs the package pyrage: {encryption.EXTRA}")

    monkeypatch.setattr(encryption, "_pyrage", absent)
    assert refused(body) is Reason.NO_IDENTITY
    assert encryption.EXTRA in str(encryption.missing_package())
    with pytest.raises(NervesysError, match="pip install"):
        encrypt(b"", [RECIPIENT])


def test_a_full_disk_is_an_error_of_the_source_and_not_of_the_body() -> None:
    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(SourceError, match=r"decrypt x\.age: No space left on device"):
        decrypt(io.BytesIO(SEALED), Full(), "x.age")


def test_a_recipient_that_is_none_is_refused() -> None:
    with pytest.raises(NervesysError, match="age1…"):
        encrypt(b"", [f"age1{'q' * 58}"])


def test_a_large_file_is_sealed_without_being_held_in_memory() -> None:
    body = io.BytesIO(bytes(3 << 20))
    with encrypted_file(body, [RECIPIENT]) as cipher, decrypted_file(cipher, "x.age") as plain:
        assert len(plain.read()) == 3 << 20


def test_a_layout_holds_for_sealed_bodies_too() -> None:
    template = PathTemplate("{date}/{agent}.jsonl.gz")
    key = key_for(template.build(date="2026-01-31", agent="grok"), [RECIPIENT])
    assert key.endswith(".gz.age")
    assert template.parse(key) == PathTemplate(f"{template.text}.age").parse(key)
    assert template.parse(key) == {"date": "2026-01-31", "agent": "grok"}
    assert PathTemplate("{agent}.json").parse("grok.json.age") is None
