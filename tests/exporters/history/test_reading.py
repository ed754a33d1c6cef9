"""Reading on several cores.

Covers: exporters.history.reading.
"""

from datetime import date
from pathlib import Path

import pyrage
from pydantic import SecretStr

from exporters.history.plan import HistoryUnit, ReadJob
from exporters.history.reading import read_all
from nervesys.settings import load
from nervesys.stores.encryption import encrypt, set_identity
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
