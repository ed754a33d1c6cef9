"""The metrics of a program about itself."""

from nervesys.metrics import Family, Instruments, Period

EVENTS = Family("events_total", "counter", "Events.", ("kind",), Period.SCRAPE)
SIZE = Family("size_bytes", "gauge", "Size.", (), Period.SCRAPE)
TOOK = Family("took_seconds", "histogram", "Duration.", ("kind",), Period.SCRAPE, buckets=(1.0,))


def lines(instruments: Instruments) -> list[str]:
    return instruments.snapshot().plain.decode().splitlines()


def test_each_kind_of_family_is_exposed() -> None:
    instruments = Instruments("test", (EVENTS, SIZE, TOOK))
    instruments.add(EVENTS, "push", by=0)
    instruments.set(SIZE, 7)
    instruments.observe(TOOK, 0.5, "push")
    exposed = lines(instruments)
    assert 'nervesys_events_total{kind="push"} 0.0' in exposed
    assert "nervesys_size_bytes 7.0" in exposed
    assert 'nervesys_took_seconds_bucket{kind="push",le="1.0"} 1.0' in exposed
    assert any(line.startswith('nervesys_build_info{program="test"') for line in exposed)


def test_a_removed_series_is_no_longer_exposed() -> None:
    instruments = Instruments("test", (EVENTS, TOOK))
    instruments.add(EVENTS, "push")
    instruments.start(TOOK, "push")
    instruments.remove(EVENTS, "push")
    exposed = "\n".join(lines(instruments))
    assert "nervesys_events_total{" not in exposed
    assert 'nervesys_took_seconds_count{kind="push"} 0.0' in exposed
