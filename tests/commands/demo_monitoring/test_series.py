"""Text of single series."""

from commands.demo_monitoring.series import constant, counter, recorded_text, series_text, steps


def test_a_sample_has_the_labels_of_a_scrape() -> None:
    text = series_text("up", {"agent": 'a"b'}, [(60, 1.5), (120, 2)])
    labels = '{agent="a\\"b",instance="demo",job="history"}'
    assert text == f"up{labels} 1.5 60\nup{labels} 2 120\n"


def test_a_recorded_sample_has_its_own_labels_alone() -> None:
    assert recorded_text("a:b:sum", {"slo": "x"}, constant(1, steps(0, 240))) == (
        'a:b:sum{slo="x"} 1 0\na:b:sum{slo="x"} 1 240\n'
    )


def test_a_counter_has_samples_around_each_increase() -> None:
    assert list(counter([(100, 1), (130, 2), (1000, 1)])) == [
        (40, 0), (70, 0), (100, 1), (130, 3), (160, 3), (190, 3), (940, 3), (1000, 4), (1060, 4)
    ]  # fmt: skip
