"""Modes of new files: what this project's programs create is for their own user only.

Journals, buffers and caches hold what agents logged. Programs that they start keep the umask that the operator set.
"""

import os

PRIVATE_UMASK = 0o077
_inherited_umask = -1


def make_private() -> None:
    """Let only the user of this process access the files that it creates."""
    global _inherited_umask  # a umask belongs to the whole process, too
    before = os.umask(PRIVATE_UMASK)
    os.umask(before | PRIVATE_UMASK)
    if _inherited_umask == -1:
        _inherited_umask = before


def inherited_umask() -> int:
    """The umask before `make_private`, for `subprocess.Popen(umask=…)`; -1, which changes nothing, without it."""
    return _inherited_umask
