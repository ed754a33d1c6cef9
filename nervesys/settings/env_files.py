"""Variables from files named `.env`: in the working folder, then in NERVESYS_HOME. The environment itself wins.

Only names that the settings know are taken: the file may belong to another program, too.
"""

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from dotenv import dotenv_values

from nervesys.errors import SettingsError, SettingsProblem
from nervesys.settings.env_names import is_known
from nervesys.settings.startup import StartupSettings

FILE_NAME = ".env"


def read_env_files(environ: Mapping[str, str], home: str | None = None) -> dict[str, str]:
    """The variables that the files add to an environment; what is there already is left out.

    Args:
        environ: environment variables.
        home: flag that wins over `NERVESYS_HOME`.

    Raises:
        SettingsError: a file cannot be read.
    """
    here = _read(Path(FILE_NAME).absolute())
    place = StartupSettings.of({**here, **environ}, home)
    values = {**_read(place.home / FILE_NAME), **here}
    return {name: value for name, value in values.items() if not _is_set(name, environ)}


def load_env_files(environ: MutableMapping[str, str] = os.environ, home: str | None = None) -> None:
    """Add the variables of the files to an environment; by default, to that of this process."""
    environ.update(read_env_files(environ, home))


def _is_set(name: str, environ: Mapping[str, str]) -> bool:
    """Whether the environment has a variable, by value or as a file: `NAME` and `NAME_FILE` exclude each other."""
    base = name.removesuffix("_FILE")
    return bool(environ.get(base) or environ.get(f"{base}_FILE"))


def _read(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        values = dotenv_values(path, interpolate=False, encoding="utf-8-sig")
    except (OSError, ValueError) as err:
        problem = getattr(err, "strerror", None) or "not UTF-8 text"
        raise SettingsError([SettingsProblem(str(path), "", f"read it: {problem}")]) from err
    return {name: value for name, value in values.items() if value and "\0" not in value and is_known(name)}
