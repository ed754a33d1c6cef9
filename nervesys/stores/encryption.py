"""Encryption with age (age-encryption.org/v1) of bodies whose key ends in `.age`.

Writers need the recipients' public keys, which are settings. Readers need an identity; a process has one for all reads.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfileobj
from tempfile import SpooledTemporaryFile, TemporaryFile
from typing import IO, Any, cast

from pydantic import SecretStr

from nervesys.contract.paths import SEALED
from nervesys.errors import BadObject, NervesysError, Reason, SourceError
from nervesys.settings.secret_file import read_secret_text

SPOOL_BYTES = 1 << 20
"""Decrypted size up to which a body is kept in memory; larger ones go to a temporary file."""
EXTRA = "pip install 'nervesys-observability[encryption]'"
HEADER = b"age-encryption.org/v1\n"
"""First line of every encrypted body."""
MARK = "AGE-SECRET-KEY-1"
"""Start of the lines of an identity file that are not comments."""
WHERE = "NERVESYS_AGE_IDENTITY"
FILE = f"{WHERE}_FILE"


@dataclass
class _ProcessIdentity:
    """The identity of this process, and the state of its file when it was last read."""

    identity: SecretStr | None = None
    file: Path | None = None
    stamp: tuple[int, int] | None = None


_identity = _ProcessIdentity()


def set_identity(identity: SecretStr | None, file: str | None = None) -> None:
    """Set the identity of this process; it replaces the one before.

    Args:
        identity: the content of an age identity file, which may have several; None for none.
        file: the file; it is read again when it changes, so that identities can be replaced while programs run.
    """
    _identity.identity, _identity.file, _identity.stamp = identity, Path(file) if file else None, None


def current_identity() -> SecretStr | None:
    """The current identity; if its file cannot be read or has no identity, the last one."""
    if _identity.file is not None:
        with suppress(OSError, ValueError):
            stat = _identity.file.stat()
            stamp = stat.st_mtime_ns, stat.st_size
            if stamp != _identity.stamp and MARK in (text := read_secret_text(_identity.file)):
                _identity.identity, _identity.stamp = SecretStr(text), stamp
    return _identity.identity


def key_for(key: str, recipients: Sequence[str]) -> str:
    """The key of a body for these recipients; it ends in `.age` if there are any."""
    return key.removesuffix(SEALED) + (SEALED if recipients else "")


def key_variants(key: str) -> tuple[str, str]:
    """A key without and with `.age`."""
    return key_for(key, ()), key_for(key, ("any",))


def encrypt(body: bytes, recipients: Sequence[str]) -> bytes:
    """Encrypt a body for these recipients; unchanged if there are none.

    Raises:
        NervesysError: the package is not installed, or a recipient is invalid.
    """
    with encrypted_file(io.BytesIO(body), recipients) as stream:
        return stream.read()


@contextmanager
def encrypted_file(body: IO[bytes], recipients: Sequence[str], folder: Path | None = None) -> Iterator[IO[bytes]]:
    """A file encrypted for these recipients, at its start; the file itself if there are none.

    Args:
        body: the file.
        recipients: their public keys.
        folder: folder of the temporary file; None for the system's.

    Raises:
        NervesysError: the package is not installed, a recipient is invalid, or the disk is full.
    """
    body.seek(0)
    if not recipients:
        yield body
        return
    pyrage = _pyrage()
    try:
        keys = [pyrage.x25519.Recipient.from_str(recipient) for recipient in recipients]
    except pyrage.RecipientError as err:
        raise NervesysError(f"storage.encryption.recipients: {err}; age-keygen prints them, as age1…") from None
    with TemporaryFile(dir=folder) as out:
        try:
            pyrage.encrypt_io(body, out, keys)
        except pyrage.EncryptError as err:  # has the message of the error that the body or the disk raised
            raise NervesysError(f"encrypt: {err}") from None
        out.seek(0)
        yield out


@contextmanager
def decrypted_file(stream: IO[bytes], key: str) -> Iterator[IO[bytes]]:
    """The decrypted body, complete before the first byte is read; the stream itself if the key does not end in `.age`.

    Raises:
        BadObject: `no_identity` if no identity of this process fits, `bad_age` if the body is damaged.
        SourceError: the disk is full.
    """
    if not key.endswith(SEALED):
        yield stream
        return
    with SpooledTemporaryFile(max_size=SPOOL_BYTES) as plain:
        decrypt(stream, cast("IO[bytes]", plain), key)
        plain.seek(0)
        yield cast("IO[bytes]", plain)


def decrypt(stream: IO[bytes], plain: IO[bytes], key: str) -> None:
    """Decrypt a stream to a file, or copy it if the key does not end in `.age`; after an error the file is incomplete.

    Raises:
        BadObject: as `decrypted_file`.
        SourceError: the disk is full.
    """
    if not key.endswith(SEALED):
        copyfileobj(stream, plain)
        return
    check_readable(key)
    _open(stream, plain, key)


def is_encrypted(body: bytes) -> bool:
    """Whether a body, or the beginning of one, is encrypted, whatever its key."""
    return body.startswith(HEADER)


def decrypt_body(body: bytes, key: str) -> bytes:
    """The plain form of a body whose key does not end in `.age`; unchanged if it is not encrypted.

    Args:
        body: complete, and small enough for memory.
        key: named in errors.

    Raises:
        BadObject: as `decrypted_file`.
    """
    if not is_encrypted(body):
        return body
    _check_identity(key)
    plain = io.BytesIO()
    _open(io.BytesIO(body), plain, key)
    return plain.getvalue()


def check_readable(key: str) -> None:
    """Reject an encrypted body before it is fetched if this process has no identity.

    Raises:
        BadObject: `no_identity`.
    """
    if key.endswith(SEALED):
        _check_identity(key)


def public_keys() -> frozenset[str]:
    """The public keys of this process's identities; empty if it has none.

    Raises:
        BadObject: `no_identity` if the package is not installed, or an identity is invalid.
    """
    return frozenset(str(identity.to_public()) for identity in _identities(WHERE))


def _check_identity(key: str) -> None:
    if current_identity() is None:
        raise BadObject(Reason.NO_IDENTITY, f"{key}: it is encrypted; set {WHERE} or {FILE}")


def missing_package() -> str | None:
    """The command that installs the package, if it is missing; else None."""
    try:
        _pyrage()
    except NervesysError as err:
        return str(err)
    return None


def _identities(key: str) -> list[Any]:
    try:
        pyrage = _pyrage()
    except NervesysError as err:
        raise BadObject(Reason.NO_IDENTITY, f"{key}: {err}") from None
    identity = current_identity()
    lines = [line.strip() for line in identity.get_secret_value().splitlines()] if identity else []
    try:
        return [pyrage.x25519.Identity.from_str(line) for line in lines if line.startswith(MARK)]
    except pyrage.IdentityError:
        raise BadObject(Reason.NO_IDENTITY, f"{key}: {WHERE} is not an age identity") from None


def _open(stream: IO[bytes], plain: IO[bytes], key: str) -> None:
    identities = _identities(key)
    pyrage = _pyrage()
    try:
        pyrage.decrypt_io(stream, plain, identities)
    except pyrage.DecryptError as err:
        if "No matching keys" in str(err):
            raise BadObject(Reason.NO_IDENTITY, f"{key}: it is encrypted for others than {WHERE}") from None
        raise BadObject(Reason.BAD_AGE, f"{key}: {err}") from None
    except OSError as err:
        if err.errno is not None:
            raise SourceError(f"decrypt {key}: {err.strerror}") from err  # an error of the local disk
        raise BadObject(Reason.BAD_AGE, f"{key}: {err}") from None


def _pyrage() -> Any:
    try:
        import pyrage  # an extra: most programs neither encrypt nor decrypt
    except ModuleNotFoundError:
        raise NervesysError(f"encryption needs the package pyrage: {EXTRA}") from None
    return pyrage
