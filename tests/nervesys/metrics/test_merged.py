"""Texts of several exporters become one, in which each family occurs once."""

from nervesys.metrics import MetricsSnapshot
from nervesys.metrics.merged import merge_families, merge_snapshots

STORE = b'# HELP up Up.\n# TYPE up gauge\nup{source="store"} 1.0\n# HELP info Info.\n# TYPE info gauge\ninfo 1.0\n'
BRAIN = b'# HELP up Up.\n# TYPE up gauge\nup{source="brain"} 0.0\n# HELP info Info.\n# TYPE info gauge\ninfo 1.0\n'


def test_families_that_several_have_occur_once_with_the_samples_of_all() -> None:
    assert merge_families([STORE, BRAIN]).decode().splitlines() == [
        "# HELP up Up.",
        "# TYPE up gauge",
        'up{source="store"} 1.0',
        'up{source="brain"} 0.0',
        "# HELP info Info.",
        "# TYPE info gauge",
        "info 1.0",
    ]
    assert merge_families([]) == b""


def test_what_an_exporter_alone_has_is_appended_as_it_is() -> None:
    own = MetricsSnapshot.of(b"# HELP a A.\n# TYPE a gauge\na 1\n", 1)
    joined = merge_snapshots([(MetricsSnapshot.of(STORE), [own]), (MetricsSnapshot.of(BRAIN), [])])
    assert joined.plain == merge_families([STORE, BRAIN]) + own.plain
    assert merge_snapshots([]).plain == b""
