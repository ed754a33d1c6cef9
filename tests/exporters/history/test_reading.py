"""Reading on several cores.

Covers: exporters.history.reading.
"""

import gzip
from datetime import date
from pathlib import Path

import pyrage
from pydantic import SecretStr

from exporters.history.plan import HistoryUnit, ReadJob, log_units
from exporters.history.reading import ArchiveReader, read_all
from nervesys.contract.otlp_names import AGENT
from nervesys.contract.times import parse_time
from nervesys.settings import load
from nervesys.stores.archive import files_of
from nervesys.stores.archive_layout import ArchiveLayout
from nervesys.stores.encryption import encrypt, set_identity
from nervesys.stores.folder import FolderArchive
from tests import otlp
from tests.exporters.history.kit import LINES, lay


def test_every_core_opens_what_is_encrypted(tmp_path: Path) -> None:
    day, ours = date(2026, 1, 1), pyrage.x25519.Identity.generate()
    plain, *_ = lay(tmp_path, day, 1, ("host-1",))
    path = plain.with_name(f"{plain.name}.age")
    path.write_bytes(encrypt(plain.read_bytes(), [str(ours.to_public())]))
    name = str(path.relative_to(tmp_path))
    archive = load(flags={"NERVESYS_ARCHIVE": tmp_path.as_uri()}).settings.storage.archive
    set_identity(SecretStr(str(ours)))
    try:
        read = list(read_all([ReadJob(HistoryUnit(name, day, name, "", 0, "host-1"))], archive, 2e9, 60, 2))
    finally:
        set_identity(None)
    assert [(result.refused, result.lines) for result in read] == [("", LINES)]


def test_traces_of_the_archive_become_samples_of_calls(tmp_path: Path) -> None:
    call = otlp.chat(begin=parse_time("2026-01-12T10:00:00Z"), gen_ai__usage__input_tokens=7)
    path = "Archive/traces/2026/01/host-1_2026-01-12.jsonl.gz"
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_bytes(gzip.compress(otlp.line(call, **{AGENT: "grok"})))
    refused: list[str] = []
    archive = FolderArchive(tmp_path)
    (unit,) = log_units(files_of(archive), ArchiveLayout(load().settings.storage), refused)
    read = ArchiveReader(archive, 2e9, 1).read(ReadJob(unit))
    assert (unit.instance, read.records, refused) == ("host-1/traces", 1, [])
    assert b'nervesys_gen_ai_tokens_total{agent="grok",model="gpt-5",type="input"' in read.text
