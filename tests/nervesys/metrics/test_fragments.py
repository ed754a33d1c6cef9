"""Fragments: rendered once per object, joined per refresh, packed only where something changed.

Covers: nervesys.metrics.family, nervesys.metrics.fragments, nervesys.metrics.snapshot.
"""

import gzip

import pytest

from nervesys.metrics import Family, Fragments, MetricsSnapshot, Sample
from nervesys.metrics import fragments as module
from nervesys.metrics.snapshot import pack

A = Family("a", "gauge", "First.", ("name",))
B = Family("b_total", "counter", "Second.", ("name",))


def put(fragments: Fragments, name: str, *samples: tuple[Family, float]) -> list[str]:
    return fragments.put(name, [family.sample(value, name) for family, value in samples])


def lines(snapshot: MetricsSnapshot) -> list[str]:
    return [line for line in snapshot.plain.decode().splitlines() if not line.startswith("#")]


def test_a_familys_samples_stay_together_under_one_header() -> None:
    fragments = Fragments([A, B])
    put(fragments, "x", (A, 1), (B, 2))
    put(fragments, "y", (A, 3))
    snapshot = fragments.snapshot()
    assert snapshot.plain.decode() == (
        "# HELP nervesys_a First.\n# TYPE nervesys_a gauge\n"
        'nervesys_a{name="x"} 1\nnervesys_a{name="y"} 3\n'
        "# HELP nervesys_b_total Second.\n# TYPE nervesys_b_total counter\n"
        'nervesys_b_total{name="x"} 2\n'
    )
    assert snapshot.series == 3


def test_a_family_without_a_sample_is_left_out() -> None:
    assert Fragments([A, B]).snapshot().plain == b""


def test_what_is_put_again_replaces_and_what_is_dropped_vanishes() -> None:
    fragments = Fragments([A, B])
    put(fragments, "x", (A, 1), (B, 2))
    put(fragments, "x", (A, 5))
    put(fragments, "y", (A, 6))
    assert lines(fragments.snapshot()) == ['nervesys_a{name="x"} 5', 'nervesys_a{name="y"} 6']
    fragments.drop("x")
    fragments.drop("never there")
    assert fragments.keys() == {"y"}
    assert lines(fragments.snapshot()) == ['nervesys_a{name="y"} 6']


def test_a_series_has_one_owner_until_it_lets_go() -> None:
    fragments = Fragments([A])
    same = A.sample(1, "same")
    assert fragments.put("first", [same]) == []
    assert fragments.put("second", [same]) == ['nervesys_a{name="same"}']
    assert len(lines(fragments.snapshot())) == 1
    fragments.drop("first")
    assert fragments.put("second", [same]) == []


def test_one_object_cannot_say_a_series_twice() -> None:
    fragments = Fragments([A])
    assert fragments.put("x", [A.sample(1, "x"), A.sample(2, "x")]) == ['nervesys_a{name="x"}']
    assert lines(fragments.snapshot()) == ['nervesys_a{name="x"} 1']


def test_a_family_that_was_not_declared_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        put(Fragments([A]), "x", (B, 1))


def test_only_what_changed_is_packed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    packed: list[bytes] = []

    def watched(plain: bytes) -> tuple[bytes, bytes]:
        packed.append(plain)
        return pack(plain)

    monkeypatch.setattr(module, "CHUNK_KEYS", 2)
    fragments = Fragments([A, B])
    for name in "uvwxyz":
        put(fragments, name, (A, 1), (B, 1))
    fragments.snapshot()
    monkeypatch.setattr(module, "pack", watched)
    put(fragments, "u", (A, 2), (B, 1))
    snapshot = fragments.snapshot()
    assert packed == [b'nervesys_a{name="u"} 2\nnervesys_a{name="v"} 1\n']
    assert gzip.decompress(snapshot.gzipped) == snapshot.plain


def test_a_sample_takes_exactly_its_labels() -> None:
    with pytest.raises(ValueError, match="takes the labels"):
        A.sample(1)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param('say "hi"', r"say \"hi\"", id="quotes"),
        pytest.param("two\nlines", r"two\nlines", id="a newline"),
        pytest.param("back\\slash", r"back\\slash", id="a backslash"),
        pytest.param("x" * 10_240, "x" * 55 + "~370a1958", id="10 kB are cut"),
        pytest.param("\udcff", "?", id="what is no UTF-8"),
    ],
)
def test_a_label_is_escaped(value: str, shown: str) -> None:
    assert A.sample(1, value).series() == f'nervesys_a{{name="{shown}"}}'


def test_names_are_never_truncated_and_other_values_that_agree_in_their_beginning_stay_apart() -> None:
    server = Family("b", "gauge", "Help.", ("server", "model"))
    first, second = (server.sample(1, "s" * 240 + end, "m" * 70 + end).series() for end in ("1", "2"))
    assert first.split(",")[0] == 'nervesys_b{server="' + "s" * 240 + '1"'
    assert first.split(",")[1] != second.split(",")[1]
    assert server.sample(1, "s" * 254, "m" * 64).series() != server.sample(1, "s" * 255, "m" * 64).series()
    assert "m" * 64 in server.sample(1, "srv1", "m" * 64).series()


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (True, "1"), (0.1, "0.1"), (1e20, "1e+20"), (float("inf"), "+Inf"), (-2.5, "-2.5")],
)
def test_a_value_is_written_exactly(value: float, text: str) -> None:
    assert Sample(A, ("x",), value).line() == f'nervesys_a{{name="x"}} {text}\n'


@pytest.mark.parametrize(
    ("name", "kind", "text", "buckets"),
    [
        pytest.param("Things", "gauge", "Help.", (), id="capitals"),
        pytest.param("things_total", "gauge", "Help.", (), id="a gauge that ends in _total"),
        pytest.param("things", "counter", "Help.", (), id="a counter that does not"),
        pytest.param("things", "gauge", "Unfinished", (), id="help without a full stop"),
        pytest.param("things", "histogram", "Help.", (), id="a histogram without buckets"),
    ],
)
def test_a_family_that_breaks_the_naming_rules_is_refused(
    name: str, kind: str, text: str, buckets: tuple[float, ...]
) -> None:
    with pytest.raises(ValueError, match=name):
        Family(name, kind, text, buckets=buckets)  # type: ignore[arg-type]  # as a table might say it
