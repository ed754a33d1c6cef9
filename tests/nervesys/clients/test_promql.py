import pytest

from nervesys.clients.promql import Selection, selections


def test_selections_carry_their_window_and_their_function() -> None:
    query = 'sum by (a) (rate(x_total{a="1", b!="2"}[5m])) / on (a) (time() - y) + max_over_time((z > 0)[1h:1m])'
    assert selections(query) == [
        Selection("x_total", frozenset({"a", "b"}), 300, "rate"),
        Selection("y", frozenset(), None, ""),
        Selection("z", frozenset(), 3600, ""),
    ]


def test_selections_can_be_asked_for_by_themselves() -> None:
    query = 'increase(x{a="1"}[5m]) unless y{b=~"c|d"} offset 1h'
    assert [selection.text for selection in selections(query)] == ['x{a="1"}', 'y{b=~"c|d"}']


@pytest.mark.parametrize("query", ["rate(x)", "sum by (", "x{a=b}"])
def test_what_is_no_promql_is_refused(query: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        selections(query)
