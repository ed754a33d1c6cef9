"""Joins exposition texts that have families in common, each of which may occur only once in a response."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain

from nervesys.metrics.snapshot import MetricsSnapshot

_FAMILY = re.compile(rb"^(?=# HELP )", re.MULTILINE)


def merge_families(texts: Iterable[bytes]) -> bytes:
    """One text with the samples of all, family by family; equal samples occur once.

    Args:
        texts: in the exposition format, each family with its lines `# HELP` and `# TYPE`.
    """
    families: defaultdict[bytes, dict[bytes, None]] = defaultdict(dict)
    for text in texts:
        for block in filter(None, _FAMILY.split(text)):
            help_line, type_line, *samples = block.splitlines(keepends=True)
            families[help_line + type_line] |= dict.fromkeys(samples)
    return b"".join(header + b"".join(samples) for header, samples in families.items())


def merge_snapshots(parts: Iterable[tuple[MetricsSnapshot, Sequence[MetricsSnapshot]]]) -> MetricsSnapshot:
    """Join the metrics of several exporters.

    Args:
        parts: of each exporter: the families that others have too, and its own, which are joined as they are.
    """
    shared, own = zip(*parts, strict=True) if (parts := tuple(parts)) else ((), ())
    merged = merge_families(snapshot.plain for snapshot in shared)
    return MetricsSnapshot.concatenate([MetricsSnapshot.of(merged), *chain.from_iterable(own)])
