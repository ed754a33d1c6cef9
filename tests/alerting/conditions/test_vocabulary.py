"""The words of metric families become the words of conditions.

Covers: commands.conditions.
"""

import pytest

from alerting.conditions.terms import AgeTerm, CountTerm, GaugeTerm, QuietTerm, Term
from alerting.conditions.vocabulary import vocabulary_of
from alerting.units import BaseUnit
from commands.conditions import condition_compiler
from commands.families import families
from nervesys.metrics import ConditionTerm, Family, SourceArea
from nervesys.settings import load

DISK = SourceArea("disk", "disk")
FOLDER = ("folder",)


def gauge(name: str, *conditions: ConditionTerm) -> Family:
    return Family(name, "gauge", "A gauge.", FOLDER, conditions=conditions)


def free(word: str = "free space") -> Family:
    return gauge("disk_free_bytes", ConditionTerm(word=word, kind="level", labels=FOLDER, origin=DISK))


SHARE = gauge(
    "disk_free_bytes",
    ConditionTerm(word="free space", kind="level", labels=FOLDER, origin=DISK, unit="ratio", per=" / total"),
)


def threshold(_: object) -> float:
    return 7200.0


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        (free(), GaugeTerm("nervesys_disk_free_bytes", FOLDER, BaseUnit.BYTES, DISK)),
        (SHARE, GaugeTerm("nervesys_disk_free_bytes", FOLDER, BaseUnit.RATIO, DISK, per=" / total")),
        (
            gauge("boot_timestamp_seconds", ConditionTerm(word="boots", kind="changes", labels=FOLDER)),
            CountTerm("nervesys_boot_timestamp_seconds", FOLDER, function="changes"),
        ),
        (
            gauge(
                "scan_timestamp_seconds",
                ConditionTerm(word="scan age", kind="age", origin=DISK, matchers='{folder="a"}', narrowed=" unless b"),
            ),
            AgeTerm('nervesys_scan_timestamp_seconds{folder="a"}', (), DISK, narrowed=" unless b"),
        ),
    ],
)
def test_a_gauge_is_compared_by_its_level_changes_or_age(family: Family, expected: Term) -> None:
    assert [*vocabulary_of([family]).measures.values()] == [(expected,)]


def test_a_histogram_is_compared_by_its_mean_or_its_count() -> None:
    family = Family(
        "scan_duration_seconds",
        "histogram",
        "Scans.",
        ("status",),
        buckets=(1,),
        conditions=(
            ConditionTerm(word="scan duration", kind="mean", matchers='{status="ok"}'),
            ConditionTerm(word="failed scans", kind="increase", matchers='{status="failed"}'),
        ),
    )
    name = "nervesys_scan_duration_seconds"
    assert vocabulary_of([family]).measures == {
        "failed scans": (CountTerm(f'{name}_count{{status="failed"}}', ()),),
        "scan duration": (
            CountTerm(f'{name}_sum{{status="ok"}}', (), unit=BaseUnit.SECONDS, divisor=f'{name}_count{{status="ok"}}'),
        ),
    }


def test_what_can_fail_to_come_is_written_with_no() -> None:
    scan = gauge("scan_timestamp_seconds", ConditionTerm(word="scan", kind="absence", origin=DISK, must_exist=True))
    quiet = ConditionTerm(word="lines", kind="quiet", origin=DISK, threshold=threshold)
    lines = gauge("last_line_timestamp_seconds", quiet)
    vocabulary = vocabulary_of([scan, lines])
    assert vocabulary.measures == {}
    assert vocabulary.absences == {
        "lines": (QuietTerm("nervesys_last_line_timestamp_seconds", DISK, threshold, by=()),),
        "scan": (AgeTerm("nervesys_scan_timestamp_seconds", (), DISK, must_exist=True),),
    }


def test_a_word_has_one_meaning_for_each_unit() -> None:
    assert [term.unit for term in vocabulary_of([SHARE, free()]).measures["free space"]] == [
        BaseUnit.RATIO,
        BaseUnit.BYTES,
    ]
    with pytest.raises(ValueError, match="'free space' is used twice for a size, such as 50 MB: nervesys_disk_free"):
        vocabulary_of([free(), free()])


@pytest.mark.parametrize(
    "word", ["free in folder", "no space", "space and files", "percent90", "", "Free space", "threshold"]
)
def test_a_word_that_no_condition_can_have_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="nervesys_disk_free_bytes: condition"):
        vocabulary_of([free(word)])


def test_words_are_in_alphabetical_order_whatever_the_order_of_the_families() -> None:
    tables = families()
    words = [*vocabulary_of(tables).measures]
    assert words == sorted(words) == [*vocabulary_of(reversed(tables)).measures]


def test_the_compiler_has_every_word_of_every_family_and_the_agents_own_thresholds() -> None:
    loaded = load()
    compiler = condition_compiler(loaded)
    terms = [term for family in families() for term in family.conditions]
    assert {term.word for term in terms} == {*compiler.vocabulary.measures, *compiler.vocabulary.absences}
    assert (compiler.settings, compiler.own) == (loaded.settings, loaded.own_thresholds)
