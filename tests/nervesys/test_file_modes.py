"""What programs create is for their own user; what they start keeps the operator's umask."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import subprocess, sys
from pathlib import Path
from nervesys.file_modes import inherited_umask, make_private

folder = Path(sys.argv[1])
subprocess.run(["touch", folder / "before"], umask=inherited_umask(), check=True)
make_private()
make_private()
(folder / "ours").touch()
subprocess.run(["touch", folder / "theirs"], umask=inherited_umask(), check=True)
"""


@pytest.mark.parametrize("umask", [0o002, 0o022, 0o077])
def test_files_are_private_and_children_keep_the_umask(tmp_path: Path, umask: int) -> None:
    subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], check=True, umask=umask)
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    assert modes == {"before": 0o666 & ~umask, "ours": 0o600, "theirs": 0o666 & ~umask}
