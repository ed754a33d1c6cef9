"""What agents and programs wrote to the repository: last statuses, error logs, the newest daily summary."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from exporters.brain.output_plan import OutputPlan
from exporters.runner import TOLERATED
from exporters.shared import summaries
from nervesys.clock import Clock
from nervesys.contract import AgentState, PathTemplate, agent_name
from nervesys.contract.brain import DAILY_SUMMARY, ERROR_LOG, LAST_STATUS, DailySummary
from nervesys.contract.paths import parse_date
from nervesys.contract.times import utc
from nervesys.errors import BadObject, Reason
from nervesys.metrics import ConditionTerm, Family, Period, Sample, SourceArea
from nervesys.stores.trees import GitTree

ORIGIN = SourceArea("brain", "brain")
STATUS_TIME = Family(
    "brain_agent_status_timestamp_seconds",
    "gauge",
    "Time of the agent's last status report in the repository.",
    ("agent",),
    Period.DAILY,
    conditions=(ConditionTerm(word="status report", kind="absence", labels=("agent",), origin=ORIGIN),),
)
ERROR_LINES = Family(
    "brain_error_log_lines",
    "gauge",
    "Lines in the agent's error log in the repository.",
    ("agent",),
    Period.DAILY,
    conditions=(ConditionTerm(word="error log lines", kind="level", labels=("agent",), origin=ORIGIN),),
)

FAMILIES = (STATUS_TIME, ERROR_LINES, *summaries.FAMILIES)

STATUS_BYTES = 1 << 20
LOG_BYTES = 64 << 20
SUMMARIES = 7
"""Of which the newest that is not broken is shown."""


@dataclass(frozen=True)
class File:
    """A file of a branch.

    Attributes:
        path: within the repository.
        version: the id of its content.
        tree: that it lies in.
    """

    path: str
    version: str
    tree: GitTree

    def read(self, max_bytes: int) -> bytes:
        """Its content.

        Raises:
            BadObject: `too_large`.
        """
        return self.tree.read(self.path, max_bytes=max_bytes) or b""


Samples = Callable[[str, bytes], Iterator[Sample]]
"""From an agent's name and what a file holds to what is shown of it."""


def status_samples(clock: Clock) -> Samples:
    """Of a last status; one from the future is a bad object."""

    def samples(agent: str, body: bytes) -> Iterator[Sample]:
        at = AgentState.parse(body).timestamp
        if at > clock() + TOLERATED.total_seconds():
            raise BadObject(Reason.FUTURE, "its status was made after today")
        yield STATUS_TIME.sample(at, agent)

    return samples


def log_samples(agent: str, body: bytes) -> Iterator[Sample]:
    """Of an error log: its lines, the last one also where it does not end."""
    yield ERROR_LINES.sample(body.count(b"\n") + (not body.endswith(b"\n") and body != b""), agent)


def plan_reports(plan: OutputPlan, trees: Sequence[GitTree], clock: Clock) -> None:
    """Plan what is shown of everything that was written.

    Args:
        plan: to add to.
        trees: branches that it may lie in; the first that holds a file wins.
        clock: this machine's.
    """
    _plan_agents(plan, trees, LAST_STATUS, STATUS_BYTES, status_samples(clock))
    _plan_agents(plan, trees, ERROR_LOG, LOG_BYTES, log_samples)
    days = sorted(_files(plan, trees, DAILY_SUMMARY), key=lambda file: file.path, reverse=True)[:SUMMARIES]
    plan.add("daily summary", tuple((day.path, day.version) for day in days), _newest_summary(plan, days, clock))


def _plan_agents(
    plan: OutputPlan, trees: Sequence[GitTree], template: PathTemplate, max_bytes: int, samples: Samples
) -> None:
    for file in _files(plan, trees, template):
        plan.add(file.path, file.version, _agent_samples(file, template, max_bytes, samples))


def _agent_samples(file: File, template: PathTemplate, max_bytes: int, samples: Samples) -> Iterator[Sample]:
    fields = template.parse(file.path) or {}
    yield from samples(agent_name(fields["agent"]), file.read(max_bytes))


def _newest_summary(plan: OutputPlan, days: Sequence[File], clock: Clock) -> Iterator[Sample]:
    for file in days:
        try:
            day_samples = list(_summary_samples(file, clock))
        except BadObject as bad:
            plan.reject(file.path, file.version, bad)
        else:
            yield from day_samples
            return


def _summary_samples(file: File, clock: Clock) -> Iterator[Sample]:
    day = (DAILY_SUMMARY.parse(file.path) or {})["date"]
    date = parse_date(day)
    if date is None:
        raise BadObject(Reason.BAD_VALUE, f"no such day: {day}")
    if date > utc(clock()).date() + TOLERATED:
        raise BadObject(Reason.FUTURE, "its day is yet to come")
    yield from summaries.samples(day, DailySummary.parse(file.read(STATUS_BYTES)))


def _files(plan: OutputPlan, trees: Sequence[GitTree], template: PathTemplate) -> Collection[File]:
    """The files of a template; other files in its folder are ignored, and a folder that is too large is rejected."""
    folder, files = template.prefix(), dict[str, File]()
    for tree in reversed(trees):
        try:
            versions = tree.versions(folder.rstrip("/"))
        except BadObject as bad:
            plan.reject(folder, tree.commit, bad)
            continue
        files |= {folder + name: File(folder + name, version, tree) for name, version in versions.items()}
    return [file for path, file in files.items() if template.parse(path)]
