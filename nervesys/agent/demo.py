"""A workload to look at: believable tasks, durations, models and tokens, now and then an error."""

import random
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from nervesys.agent.agent import Agent
from nervesys.agent.work import Task
from nervesys.workspace import Workspace

ERROR_SHARE = 0.04
MILESTONE_JOBS, KEPT_VERSIONS = 20, 20
PAUSE_SECONDS = (0.5, 6.0)
ACTIONS = {
    "code_review": (2.0, 900),
    "write_tests": (3.0, 1500),
    "plan_sprint": (1.5, 600),
    "search_web": (0.8, 250),
    "summarize_thread": (1.0, 400),
    "update_docs": (1.6, 700),
    "triage_issue": (0.6, 180),
}
"""Usual seconds and usual tokens of each."""
REPOSITORIES = ("nervesys", "nervesys-web", "fleet-tools")
ERRORS = ("the model did not answer in time", "the repository refused the push", "the answer was not valid JSON")


class DemoError(Exception):
    """A made-up error."""


@dataclass(frozen=True)
class Job:
    """One piece of made-up work; seconds of work, then of rest."""

    action: str
    repository: str
    seconds: float
    tokens: int
    error: str | None
    rest_seconds: float


def jobs(agent: str) -> Iterator[Job]:
    """Endless work, the same for the same name at every start."""
    dice = random.Random(agent)
    while True:
        action = dice.choice(list(ACTIONS))
        seconds, tokens = ACTIONS[action]
        yield Job(
            action=action,
            repository=dice.choice(REPOSITORIES),
            seconds=seconds * dice.lognormvariate(0, 0.5),
            tokens=round(tokens * dice.lognormvariate(0, 0.4)),
            error=dice.choice(ERRORS) if dice.random() < ERROR_SHARE else None,
            rest_seconds=dice.uniform(*PAUSE_SECONDS),
        )


def work(agent: Agent) -> None:
    """Do made-up work until the agent is stopped."""
    for number, job in enumerate(jobs(agent.me.name)):
        with suppress(DemoError), agent.task(job.action, repository=job.repository) as task:
            _do(job, task)
            if agent.me.config.project:
                _keep(agent.workspace(), job, number)
        time.sleep(job.rest_seconds)


def _keep(workspace: Workspace, job: Job, number: int) -> None:
    """Leave an event and a note, now and then a milestone; old notes go."""
    workspace.history.append(job.action, {"repository": job.repository, "tokens": job.tokens})
    workspace.files.write(f"notes/{job.action}.md", f"# {job.action}\n\nJob {number}, in {job.repository}.\n")
    if number % MILESTONE_JOBS == 0:
        workspace.milestone(f"{number} jobs")
        workspace.clean(count=KEPT_VERSIONS)


def _do(job: Job, task: Task) -> None:
    time.sleep(job.seconds)
    task.tokens = job.tokens
    if job.error:
        raise DemoError(job.error)
