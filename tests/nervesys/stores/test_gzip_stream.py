"""Gzip as gzip(1) reads it: all members, no trailing bytes, and no damage unnoticed."""

import gzip
import io
import random

import pytest

from nervesys.stores.gzip_stream import DAMAGE, READ_BYTES, open_gzip

CONTENT = random.Random(7).randbytes(3 * READ_BYTES) + b"end\n"
BODY = gzip.compress(CONTENT)


@pytest.mark.parametrize(
    "trailing",
    [b"", b"\0" * 700, b"garbage", b"\x1f", b"\0" * READ_BYTES + b"garbage", b"x" * (2 * READ_BYTES)],
    ids=["none", "padding", "text", "half a magic number", "padding and text", "much text"],
)
def test_bytes_after_the_last_member_are_ignored(trailing: bytes) -> None:
    assert open_gzip(io.BytesIO(BODY + trailing)).read() == CONTENT


@pytest.mark.parametrize("padding", [b"", b"\0" * 512, b"\0" * (READ_BYTES + 1)])
def test_members_follow_one_another(padding: bytes) -> None:
    assert open_gzip(io.BytesIO(BODY + padding + gzip.compress(b"more"))).read() == CONTENT + b"more"


@pytest.mark.parametrize("size", [0, 1, 5, 20, len(BODY) // 2, len(BODY) - 8, len(BODY) - 1])
def test_a_body_that_is_cut_off_is_damaged(size: int) -> None:
    with pytest.raises(DAMAGE):
        open_gzip(io.BytesIO(BODY[:size])).read()


@pytest.mark.parametrize("place", [0, 1, 30, -7, -3], ids=["magic", "magic 2", "data", "checksum", "length"])
def test_a_changed_byte_is_damage(place: int) -> None:
    body = bytearray(BODY)
    body[place] ^= 0xFF
    with pytest.raises(DAMAGE):
        open_gzip(io.BytesIO(bytes(body))).read()


def test_lines_before_the_damage_are_read() -> None:
    stream = open_gzip(io.BytesIO(gzip.compress(b"first\n") + BODY[: len(BODY) // 2]))
    assert stream.readline() == b"first\n"
