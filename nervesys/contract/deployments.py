"""Workflow runs, from GitHub's REST API (`/repos/{owner}/{repo}/actions/runs`)."""

from enum import StrEnum
from typing import Any, Self

from nervesys.contract.objects import ContractObject, Instant
from nervesys.errors import BadObject, Reason


class Conclusion(StrEnum):
    """How a run ended. A label value: unknown conclusions become `other`."""

    SUCCESS = "success"
    FAILURE = "failure"
    TIMED_OUT = "timed_out"
    STARTUP_FAILURE = "startup_failure"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    NEUTRAL = "neutral"
    STALE = "stale"
    ACTION_REQUIRED = "action_required"
    RUNNING = "running"
    OTHER = "other"


class Run(ContractObject):
    """One run; `updated_at` is its end, if there is a conclusion."""

    name: str | None = None
    path: str = ""
    head_branch: str | None = None
    conclusion: str | None = None
    run_started_at: Instant | None = None
    updated_at: Instant

    @property
    def workflow(self) -> str:
        """Name of the workflow, or of its file."""
        return self.name or self.path

    @property
    def branch(self) -> str:
        """The branch that it ran on; may be empty."""
        return self.head_branch or ""

    @property
    def ended_as(self) -> Conclusion:
        """How it ended."""
        if self.conclusion is None:
            return Conclusion.RUNNING
        return Conclusion(self.conclusion) if self.conclusion in list(Conclusion) else Conclusion.OTHER


class Runs(ContractObject):
    """The newest runs of a repository, newest first."""

    workflow_runs: tuple[Run, ...]

    @classmethod
    def of(cls, answer: Any) -> Self:
        """The runs in an answer; wrong ones are left out, unless all are.

        Raises:
            BadObject: `bad_value` where it is none.
        """
        listed = answer.get("workflow_runs") if isinstance(answer, dict) else None
        any_listed = bool(listed)
        try:
            runs = cls.take(answer)
        except BadObject as bad:
            raise BadObject(Reason.BAD_VALUE, bad.detail) from None
        if any_listed and not runs.workflow_runs:
            raise BadObject(Reason.BAD_VALUE, "workflow_runs: none is valid")
        return runs
