"""Runs promtool to convert OpenMetrics text to Prometheus TSDB blocks."""

import os
import subprocess
from pathlib import Path

from nervesys.errors import NervesysError

LONGEST_BLOCK = "744h"
"""promtool reads the file once for each block; with long blocks it reads it once."""
TIMEOUT_SECONDS = 3600
MEMORY = "128MiB"
"""Soft limit of promtool's memory (Go's GOMEMLIMIT): above it, garbage is collected more often."""


def make_blocks(promtool: Path, text: Path, folder: Path, longest: str = LONGEST_BLOCK) -> None:
    """Make blocks.

    Args:
        promtool: the program.
        text: the samples, as OpenMetrics.
        folder: target of the blocks.
        longest: duration of a block at most; promtool knows two hours times powers of three.

    Raises:
        NervesysError: promtool failed; with its last line of output.
    """
    argv = [str(promtool), "tsdb", "create-blocks-from", "openmetrics", f"--max-block-duration={longest}"]
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
        raise NervesysError(f"make blocks of {text}: promtool did not finish within {TIMEOUT_SECONDS} s") from None
    except subprocess.CalledProcessError as err:
        lines = (err.stderr or "").strip().splitlines() or [f"exit code {err.returncode}"]
        raise NervesysError(f"make blocks of {text}: {lines[-1]}; no incomplete block was left") from None
