"""Commands as they can be typed: by the path of this program, where `nervesys` is not on PATH."""

import os
import re
import shutil
import sys
from functools import cache
from pathlib import Path

_COMMAND = re.compile(r"(?<=`)nervesys(?= [a-z])|(?<=type: )nervesys(?= [a-z])")
"""Commands in messages: in backquotes, or after `type:`."""


@cache
def program() -> str:
    """The command that starts this program from the current folder."""
    beside = Path(sys.executable).with_name("nervesys")
    on_path = shutil.which("nervesys")
    if (on_path and Path(on_path).samefile(beside)) or not beside.is_file():
        return "nervesys"
    return os.path.relpath(beside) if beside.is_relative_to(Path.cwd()) else str(beside)


def as_typed(message: str) -> str:
    """A message with its commands as they can be typed."""
    return _COMMAND.sub(lambda _: program(), message)
