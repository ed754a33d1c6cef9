"""Workflow runs as GitHub's API returns them."""

import pytest

from nervesys.contract.deployments import Conclusion, Runs
from nervesys.errors import BadObject, Reason


def run(**fields: object) -> dict[str, object]:
    return {"updated_at": "2026-01-01T00:00:00Z", **fields}


@pytest.mark.parametrize(
    ("conclusion", "expected"),
    [("success", Conclusion.SUCCESS), (None, Conclusion.RUNNING), ("unheard-of", Conclusion.OTHER)],
)
def test_the_conclusion_is_a_closed_list(conclusion: str | None, expected: Conclusion) -> None:
    (parsed,) = Runs.of({"workflow_runs": [run(conclusion=conclusion)]}).workflow_runs
    assert parsed.ended_as is expected


def test_a_run_without_a_name_is_named_by_its_file() -> None:
    (parsed,) = Runs.of({"workflow_runs": [run(path=".github/workflows/ci.yml")]}).workflow_runs
    assert (parsed.workflow, parsed.branch) == (".github/workflows/ci.yml", "")


def test_a_wrong_run_costs_itself_alone() -> None:
    answer = {"workflow_runs": [{"name": "a"}, run(name="b"), 7, run(name="c"), {}]}
    assert [parsed.name for parsed in Runs.of(answer).workflow_runs] == ["b", "c"]


@pytest.mark.parametrize("body", [None, {}, {"workflow_runs": [{}]}])
def test_another_response_is_rejected(body: object) -> None:
    with pytest.raises(BadObject) as error:
        Runs.of(body)
    assert error.value.reason is Reason.BAD_VALUE
