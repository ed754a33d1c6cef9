import gzip
from tempfile import SpooledTemporaryFile

from nervesys.stores.lines import lines_of


def test_a_log_is_inflated_from_a_copy_that_may_also_be_written() -> None:
    with SpooledTemporaryFile() as copy:
        copy.write(gzip.compress(b"one\ntwo\n"))
        copy.seek(0)
        assert list(lines_of(copy, "log.jsonl.gz")) == [b"one\n", b"two\n"]
