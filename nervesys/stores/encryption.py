"""Sealed bodies: of a key that ends in `.age`, only who holds an identity reads the content (age-encryption.org/v1).

Whoever writes needs the recipients' public keys, which stand in the settings. Whoever reads needs an identity, which
this process holds once for all it reads.
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

SPOOL_BYTES = 1 << 20
"""Of what was opened that are kept in memory; the rest goes to a temporary file."""
EXTRA = "pip install 'nervesys-observability[encryption]'"
MARK = "AGE-SECRET-KEY-1"
"""How the lines of an identity file begin that are no comments."""
WHERE = "NERVESYS_AGE_IDENTITY"
FILE = f"{WHERE}_FILE"


@dataclass
class _ProcessIdentity:
    """What this process holds, and as what its file was last read."""

    identity: SecretStr | None = None
    file: Path | None = None
    stamp: tuple[int, int] | None = None


_identity = _ProcessIdentity()


def set_identity(identity: SecretStr | None, file: str | None = None) -> None:
    """Let this process read what is sealed for an identity, in place of any that it held before.

    Args:
        identity: the content of age's identity file, which may hold several; None to hold none.
        file: that it stands in; it is read again when it changes, so that identities are replaced while programs run.
    """
    _identity.identity, _identity.file, _identity.stamp = identity, Path(file) if file else None, None


def current_identity() -> SecretStr | None:
    """What this process holds now; while its file cannot be read, or holds no identity, what that held before."""
    if _identity.file is not None:
        with suppress(OSError, ValueError):
            stat = _identity.file.stat()
            stamp = stat.st_mtime_ns, stat.st_size
            if stamp != _identity.stamp and MARK in (text := _identity.file.read_text()):
                _identity.identity, _identity.stamp = SecretStr(text.strip()), stamp
    return _identity.identity


def key_for(key: str, recipients: Sequence[str]) -> str:
    """The key of a body that these are to read; it ends in `.age` where there are any."""
    return key.removesuffix(SEALED) + (SEALED if recipients else "")


def key_variants(key: str) -> tuple[str, str]:
    """A key without and with the end that tells of a seal."""
    return key_for(key, ()), key_for(key, ("any",))


def encrypt(body: bytes, recipients: Sequence[str]) -> bytes:
    """A body that only these read; as it is, where there are none.

    Raises:
        NervesysError: the package is not installed, or a recipient is none.
    """
    with encrypted_file(io.BytesIO(body), recipients) as stream:
        return stream.read()


@contextmanager
def encrypted_file(body: IO[bytes], recipients: Sequence[str], folder: Path | None = None) -> Iterator[IO[bytes]]:
    """A file as only these read it, from its beginning; the file itself, where there are none.

    Args:
        body: the file.
        recipients: their public keys.
        folder: that has room for the sealed one; the system's own for temporary files where None.

    Raises:
        NervesysError: the package is not installed, a recipient is none, or there is no room.
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
        except pyrage.EncryptError as err:  # holds the words of what body or disk raised
            raise NervesysError(f"encrypt: {err}") from None
        out.seek(0)
        yield out


@contextmanager
def decrypted_file(stream: IO[bytes], key: str) -> Iterator[IO[bytes]]:
    """What a stream holds, whole before the first byte is read; the stream itself, where the key tells of no seal.

    Raises:
        BadObject: `no_identity` where this process holds none that opens it, `bad_age` where it is damaged.
        SourceError: the disk takes no more.
    """
    if not key.endswith(SEALED):
        yield stream
        return
    with SpooledTemporaryFile(max_size=SPOOL_BYTES) as plain:
        decrypt(stream, cast("IO[bytes]", plain), key)
        plain.seek(0)
        yield cast("IO[bytes]", plain)


def decrypt(stream: IO[bytes], plain: IO[bytes], key: str) -> None:
    """Write what a stream holds to a file, as it is where the key tells of no seal; on an error, it is not whole.

    Raises:
        BadObject: as `decrypted_file`.
        SourceError: the disk takes no more.
    """
    if not key.endswith(SEALED):
        copyfileobj(stream, plain)
        return
    check_readable(key)
    _open(stream, plain, key)


def check_readable(key: str) -> None:
    """Refuse a sealed body before it is fetched, where this process holds no identity.

    Raises:
        BadObject: `no_identity`.
    """
    if key.endswith(SEALED) and current_identity() is None:
        raise BadObject(Reason.NO_IDENTITY, f"{key}: it is encrypted; set {WHERE} or {FILE}")


def missing_package() -> str | None:
    """What to type where the package that seals is not installed."""
    try:
        _pyrage()
    except NervesysError as err:
        return str(err)
    return None


def _open(stream: IO[bytes], plain: IO[bytes], key: str) -> None:
    try:
        pyrage = _pyrage()
        identity = current_identity()
        lines = [line.strip() for line in identity.get_secret_value().splitlines()] if identity else []
        identities = [pyrage.x25519.Identity.from_str(line) for line in lines if line.startswith(MARK)]
    except NervesysError as err:
        raise BadObject(Reason.NO_IDENTITY, f"{key}: {err}") from None
    except pyrage.IdentityError:
        raise BadObject(Reason.NO_IDENTITY, f"{key}: what {WHERE} says is no identity of age's") from None
    try:
        pyrage.decrypt_io(stream, plain, identities)
    except pyrage.DecryptError as err:
        if "No matching keys" in str(err):
            raise BadObject(Reason.NO_IDENTITY, f"{key}: it is encrypted for others than {WHERE}") from None
        raise BadObject(Reason.BAD_AGE, f"{key}: {err}") from None
    except OSError as err:
        if err.errno is not None:
            raise SourceError(f"decrypt {key}: {err.strerror}") from err  # this machine's disk
        raise BadObject(Reason.BAD_AGE, f"{key}: {err}") from None


def _pyrage() -> Any:
    try:
        import pyrage  # an extra: most neither seal nor open
    except ModuleNotFoundError:
        raise NervesysError(f"encryption needs the package pyrage: {EXTRA}") from None
    return pyrage
