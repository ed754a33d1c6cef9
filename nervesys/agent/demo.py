"""A simulated workload: plausible tasks, durations, models and tokens, and a few errors."""

import random
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from nervesys.agent import demo_faults
from nervesys.agent.agent import Agent
from nervesys.agent.demo_spans import MODEL_LATE, PUSH_REFUSED, DemoSpans
from nervesys.agent.work import Task
from nervesys.errors import NervesysError
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
"""Median seconds and median tokens of each."""
ARTIFACT_TYPES = {
    "code_review": "review",
    "write_tests": "tests",
    "plan_sprint": "plan",
    "search_web": "sources",
    "summarize_thread": "summary",
    "update_docs": "document",
    "triage_issue": "triage",
}
VISIBILITIES = ("trace", "public", "private")
"""Of artifacts, in rotation."""
TRACE_JOBS, RETENTION_DAYS = 5, 7
MESSAGE_JOBS = 2
"""Jobs from one message to the next."""
TOKENS_A_LINE = 10
STEPS = ("read", "ask the model", "write")
"""Of each task."""
REPOSITORIES = ("nervesys", "nervesys-web", "fleet-tools")
ERRORS = (MODEL_LATE, PUSH_REFUSED, "the answer was not valid JSON")


class DemoError(Exception):
    """A simulated error."""


@dataclass(frozen=True)
class DemoJob:
    """One simulated task, and the pause after it."""

    action: str
    repository: str
    seconds: float
    tokens: int
    error: str | None
    rest_seconds: float


def jobs(agent: str) -> Iterator[DemoJob]:
    """Endless tasks; the sequence depends on the name only."""
    generator = random.Random(agent)
    while True:
        action = generator.choice(list(ACTIONS))
        seconds, tokens = ACTIONS[action]
        yield DemoJob(
            action=action,
            repository=generator.choice(REPOSITORIES),
            seconds=seconds * generator.lognormvariate(0, 0.5),
            tokens=round(tokens * generator.lognormvariate(0, 0.4)),
            error=generator.choice(ERRORS) if generator.random() < ERROR_SHARE else None,
            rest_seconds=generator.uniform(*PAUSE_SECONDS),
        )


def work(agent: Agent) -> None:
    """Simulate work until the agent is stopped."""
    spans = DemoSpans(agent)
    for number, job in enumerate(jobs(agent.me.name)):
        if fault := demo_faults.take(agent.me.folder):
            demo_faults.misbehave(agent, fault, spans)
        with (
            suppress(DemoError, NervesysError),
            spans.task(job.action),
            agent.task(job.action, repository=job.repository) as task,
        ):
            if agent.me.config.project:
                _work_in_project(agent, job, task, number, spans)
            else:
                _simulate(agent, job, task, spans)
            agent.count("lines_written", round(job.tokens / TOKENS_A_LINE))
        if number % MESSAGE_JOBS == 0:
            _message_peer(agent, job, number // MESSAGE_JOBS)
        time.sleep(job.rest_seconds)


def _message_peer(agent: Agent, job: DemoJob, number: int) -> None:
    """Log a message to another agent of this host, in the thread of the repository."""
    names = {folder.name for folder in agent.me.folder.parent.iterdir() if folder.is_dir()} - {agent.me.name}
    if names:
        result = f"failed: {job.error}" if job.error else "is done"
        to = sorted(names)[number % len(names)]
        agent.message(to, f"{job.action} in {job.repository} {result}", thread=job.repository)


def _work_in_project(agent: Agent, job: DemoJob, task: Task, number: int, spans: DemoSpans) -> None:
    """Do a task as a step of a trace, and store its result as an artifact."""
    trace, step = f"{agent.me.instance_id}-{number // TRACE_JOBS}", f"{number}-{job.action}"
    artifacts = agent.artifacts
    with artifacts.step(trace, step):
        _simulate(agent, job, task, spans)
    _save_results(agent.workspace(), job, number)
    artifacts.put(
        f"# {job.action}\n\nJob {number}, in {job.repository}.\n" * round(job.tokens / TOKENS_A_LINE),
        ARTIFACT_TYPES[job.action],
        content_type="text/markdown",
        trace=trace,
        step=step,
        visibility=VISIBILITIES[number % len(VISIBILITIES)],
        retention=RETENTION_DAYS,
        model_name=agent.me.config.model,
        execution_time_ms=round(job.seconds * 1000),
    )
    if number % TRACE_JOBS == TRACE_JOBS - 1:
        artifacts.trace(trace, "completed")


def _save_results(workspace: Workspace, job: DemoJob, number: int) -> None:
    """Write an event and a note, and at times a milestone; old versions are deleted."""
    workspace.history.append(job.action, {"repository": job.repository, "tokens": job.tokens})
    workspace.files.write(f"notes/{job.action}.md", f"# {job.action}\n\nJob {number}, in {job.repository}.\n")
    if number % MILESTONE_JOBS == 0:
        workspace.milestone(f"{number} jobs")
        workspace.clean(count=KEPT_VERSIONS)


def _simulate(agent: Agent, job: DemoJob, task: Task, spans: DemoSpans) -> None:
    for number, step in enumerate(STEPS):
        agent.progress(step, number / len(STEPS), task=task)
        with spans.step(step, job.tokens, job.error):
            time.sleep(job.seconds / len(STEPS))
        task.tokens = round(job.tokens * (number + 1) / len(STEPS))
    if job.error:
        raise DemoError(job.error)
