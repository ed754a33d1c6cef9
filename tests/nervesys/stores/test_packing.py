"""Packed bodies: what was packed is read, whatever the packer; and what is cut short is never taken for whole."""

import gzip
import io

import pytest
import zstandard

from nervesys.contract import PathTemplate
from nervesys.errors import BadObject, Reason
from nervesys.stores.lines import lines_of
from nervesys.stores.packing import pack
from tests.properties import given, st

KEYS = ["log.jsonl", "log.jsonl.gz", "log.jsonl.zst"]
LINES = [b'{"message": "review of %d files"}\n' % number for number in range(5000)]


@pytest.mark.parametrize("key", KEYS)
@given(parts=st.lists(st.binary(max_size=300), max_size=9))
def test_what_was_packed_is_read(key: str, parts: list[bytes]) -> None:
    body = pack(parts, key)
    assert b"".join(lines_of(io.BytesIO(body), key)) == b"".join(parts)
    assert pack(parts, key) == body


@pytest.mark.parametrize(("key", "reason"), [(KEYS[1], Reason.BAD_GZIP), (KEYS[2], Reason.BAD_ZSTD)])
def test_half_a_body_and_none_are_refused(key: str, reason: Reason) -> None:
    body = pack(LINES, key)
    for bad in (body[: len(body) // 2], body[:-1], b"neither of them"):
        with pytest.raises(BadObject) as refused:
            list(lines_of(io.BytesIO(bad), key))
        assert refused.value.reason is reason


def test_other_programs_read_what_is_packed() -> None:
    assert gzip.decompress(pack(LINES, KEYS[1])) == b"".join(LINES)
    assert zstandard.ZstdDecompressor().decompressobj().decompress(pack(LINES, KEYS[2])) == b"".join(LINES)


def test_frames_one_after_the_other_are_one_log() -> None:
    body = pack(LINES[:2], KEYS[2]) + pack(LINES[2:], KEYS[2])
    assert list(lines_of(io.BytesIO(body), KEYS[2])) == LINES


@pytest.mark.parametrize("key", KEYS[1:])
def test_a_small_body_that_unfolds_to_gigabytes_is_refused(key: str) -> None:
    body = pack((bytes(1 << 20) for _ in range(64)), key)
    with pytest.raises(BadObject, match="too_large"):
        list(lines_of(io.BytesIO(body), key, max_bytes=1 << 20))


def test_a_body_that_asks_for_much_memory_is_refused() -> None:
    wide = zstandard.ZstdCompressionParameters.from_level(19, window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    with pytest.raises(BadObject, match=r"bad_zstd: .* memory"):
        list(lines_of(io.BytesIO(packer.compress(LINES[0]) + packer.flush()), KEYS[2]))
    lines = [b"%04d" % number * 250 + b"\n" for number in range(9000)]
    assert list(lines_of(io.BytesIO(pack(lines, KEYS[2], level=19)), KEYS[2])) == lines


def test_a_layout_holds_for_either_packer() -> None:
    template = PathTemplate("{date}/{agent}_{seq}.jsonl.gz")
    packed = template.packed(".zst")
    assert packed.text == "{date}/{agent}_{seq}.jsonl.zst"
    key = packed.build(date="2026-01-31", agent="grok", seq="1")
    assert (
        template.parse(key)
        == packed.parse(key.replace(".zst", ".gz"))
        == {"date": "2026-01-31", "agent": "grok", "seq": "1"}
    )
    assert template.parse(key.replace(".zst", ".xz")) is None
    assert PathTemplate("{agent}.jsonl").packed(".zst").text == "{agent}.jsonl"
