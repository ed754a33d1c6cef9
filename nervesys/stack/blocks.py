"""Runs promtool to convert OpenMetrics text to Prometheus TSDB blocks."""

import os
import subprocess
from pathlib import Path

from nervesys.errors import NervesysError

LONGEST_BLOCK = "744h"
"""promtool reads the file once for each block: of a few days in one block, that is once."""
TIMEOUT_SECONDS = 3600
MEMORY = "128MiB"
"""Beyond which promtool collects its garbage more eagerly; it takes more where it needs more (Go's GOMEMLIMIT)."""


def make_blocks(promtool: Path, text: Path, folder: Path) -> None:
    """Make blocks.

    Args:
        promtool: the program.
        text: the samples, as OpenMetrics.
        folder: that takes the blocks.

    Raises:
        NervesysError: it could not, in its own words.
    """
    argv = [str(promtool), "tsdb", "create-blocks-from", "openmetrics", f"--max-block-duration={LONGEST_BLOCK}"]
    try:
        subprocess.run(
            [*argv, "--quiet", str(text), str(folder)],
            check=True,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            env={"GOMEMLIMIT": MEMORY, **os.environ},
        )
    except subprocess.TimeoutExpired:
        raise NervesysError(f"make blocks of {text}: promtool did not end within {TIMEOUT_SECONDS} s") from None
    except subprocess.CalledProcessError as err:
        said = (err.stderr or "").strip().splitlines() or [f"exit code {err.returncode}"]
        raise NervesysError(f"make blocks of {text}: {said[-1]}; nothing half made was left") from None
