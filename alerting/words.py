"""Words that people may use, and the nearest valid one for a word that is none of them."""

from collections.abc import Iterable
from difflib import get_close_matches


def unknown(kind: str, word: str, known: Iterable[str]) -> str:
    """What to say of a word that is not known: the nearest one, or all of them where none is near.

    Args:
        kind: what the word should have been, such as `metric`.
        word: as it was written.
        known: every valid word.
    """
    names = sorted(known)
    near = get_close_matches(word, names, n=1) or get_close_matches(word.lower(), names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names) or 'none'}"
    return f"unknown {kind} {word!r}; {hint}"
