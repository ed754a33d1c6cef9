"""What a query read, and what it could not."""

from nervesys.logs.budget import PROBLEMS, ReadBudget


def test_what_is_missing_is_named_up_to_a_limit() -> None:
    budget = ReadBudget(rejected=1)
    for number in range(PROBLEMS + 2):
        budget.reject(f"object {number}")
    assert budget.warnings[0] == "not read: object 0"
    assert budget.warnings[-2:] == ["not read: 2 further objects", "skipped 1 line that are no log records"]
    assert ReadBudget().warnings == []


def test_progress_is_reported_after_each_object() -> None:
    seen: list[int] = []
    budget = ReadBudget(progress=lambda budget: seen.append(budget.objects))
    assert budget.spend(10)
    budget.finish_object()
    assert (seen, budget.bytes, budget.lines) == ([1], 10, 1)
