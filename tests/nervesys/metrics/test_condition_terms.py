import pytest

from nervesys.metrics import ConditionTerm, Family, SourceArea

AGENTS = SourceArea("store", "agents")


def gauge(name: str, *conditions: ConditionTerm) -> Family:
    return Family(name, "gauge", "A gauge.", ("agent",), conditions=conditions)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("server_cpu_ratio", "ratio"),
        ("agent_memory_bytes", "bytes"),
        ("uptime_seconds", "seconds"),
        ("load", "count"),
    ],
)
def test_unit_is_the_end_of_the_family_name(name: str, unit: str) -> None:
    term = ConditionTerm(word="value", kind="level")
    assert gauge(name, term).term_unit(term) == unit


def test_unit_of_a_counter_stands_before_total() -> None:
    term = ConditionTerm(word="sent bytes", kind="increase")
    family = Family("sent_bytes_total", "counter", "Bytes.", conditions=(term,))
    assert family.term_unit(term) == "bytes"


def test_unit_follows_the_kind_before_the_name() -> None:
    share = ConditionTerm(word="buffer", kind="level", unit="ratio", per=" / limit")
    starts = ConditionTerm(word="starts", kind="changes")
    stopped = ConditionTerm(word="stopped", kind="age", origin=AGENTS)
    family = gauge("start_timestamp_seconds", share, starts, stopped)
    assert [family.term_unit(term) for term in family.conditions] == ["ratio", "count", "seconds"]


def test_histogram_has_a_mean_in_its_unit_and_an_increase_as_a_count() -> None:
    mean = ConditionTerm(word="step duration", kind="mean")
    failed = ConditionTerm(word="failed steps", kind="increase", matchers='{status="failed"}')
    family = Family("step_duration_seconds", "histogram", "Steps.", buckets=(1,), conditions=(mean, failed))
    assert [family.term_unit(term) for term in family.conditions] == ["seconds", "count"]


def test_family_rejects_terms_that_it_cannot_have() -> None:
    with pytest.raises(ValueError, match="which a gauge lacks"):
        gauge("load", ConditionTerm(word="load", kind="increase"))
    with pytest.raises(ValueError, match="keeps labels that the family lacks"):
        gauge("load", ConditionTerm(word="load", kind="level", labels=("server",)))


@pytest.mark.parametrize(
    "arguments",
    [
        {"kind": "increase", "per": " / limit"},
        {"kind": "increase", "either_side": True},
        {"kind": "level", "narrowed": "\nunless stopped"},
        {"kind": "level", "must_exist": True},
        {"kind": "absence"},
        {"kind": "quiet", "origin": AGENTS},
    ],
)
def test_term_rejects_arguments_that_its_kind_does_not_use(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="word: "):
        ConditionTerm(word="word", **arguments)  # type: ignore[arg-type]  # wrong on purpose
