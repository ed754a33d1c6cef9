"""How promtool is run; a script stands in for it, the real one makes blocks in the tests of `nervesys history`."""

from pathlib import Path

import pytest

from nervesys.stack.blocks import MEMORY, make_blocks


def test_promtool_is_held_to_its_memory_unless_somebody_says_how_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, log = tmp_path / "promtool", tmp_path / "log"
    program.write_text(f'#!/bin/sh\necho "$GOMEMLIMIT" >> "{log}"\n')
    program.chmod(0o700)
    make_blocks(program, tmp_path / "samples.txt", tmp_path / "blocks")
    monkeypatch.setenv("GOMEMLIMIT", "1GiB")
    make_blocks(program, tmp_path / "samples.txt", tmp_path / "blocks")
    assert log.read_text().splitlines() == [MEMORY, "1GiB"]
