"""Names that nothing configures are bounded, and the first ones stay."""

from exporters.shared.admission import NameAdmission


def test_names_admitted_first_stay_until_they_are_gone() -> None:
    admission = NameAdmission(2, ["m"])
    assert admission.admit(["a", "m", "b"]) == {"m", "a"}
    assert admission.admit(["b", "m", "c"]) == {"m", "b"}, "there is room for a new one"
    assert admission.admit(["c"]) == {"c"}


def test_a_name_admitted_before_is_forgotten_when_it_is_gone() -> None:
    admission = NameAdmission(1)
    assert admission.admit(["a"]) == {"a"}
    assert admission.admit([]) == set()
    assert admission.admit(["b", "a"]) == {"b"}
