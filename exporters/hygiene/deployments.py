"""Area `deployments`: how the workflows of the team's repositories end, by GitHub's API.

Reads   the rate limit, which costs nothing; then for each repository its newest runs, by their ETag, for an answer that
        they are unchanged costs nothing either. At the floor of the quota nothing more is asked.
Units   Unix seconds, seconds, counts.
Errors  BrainUnavailable and QuotaLow are raised: what is known is shown. BadObject costs one repository's answer.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from exporters.runner import Health, Refresh
from nervesys.contract.deployments import Conclusion, Run, Runs
from nervesys.errors import BadObject
from nervesys.metrics import ConditionTerm, Family, Period, Sample, SourceArea
from nervesys.settings.storage import BrainSettings

WORKFLOW = ("repository", "workflow", "branch")
ORIGIN = SourceArea("hygiene", "deployments")
LAST = Family(
    "deployment_last_run_timestamp_seconds",
    "gauge",
    "End time of the newest finished run.",
    (*WORKFLOW, "conclusion"),
    Period.SCRAPE,
    optional={"": "no repository on GitHub is watched, or no run has failed"},
)
DURATION = Family(
    "deployment_last_run_duration_seconds",
    "gauge",
    "Duration of the newest finished run.",
    WORKFLOW,
    Period.SCRAPE,
    conditions=(ConditionTerm(word="deployment duration", kind="level", labels=WORKFLOW, origin=ORIGIN),),
)
RUNS = Family(
    "deployment_runs",
    "gauge",
    "Runs among the repository's 50 newest, by conclusion.",
    (*WORKFLOW, "conclusion"),
    Period.SCRAPE,
    conditions=(ConditionTerm(word="deployments", kind="level", labels=(*WORKFLOW, "conclusion"), origin=ORIGIN),),
)

FAMILIES = (LAST, DURATION, RUNS)

NEWEST = 50
"""Runs that are asked for, of each repository; no more workflows and branches are shown."""


def run_samples(repository: str, runs: Sequence[Run]) -> Iterator[Sample]:
    """The samples of a repository's newest runs, newest first."""
    counted = Counter((run.workflow, run.branch, run.ended_as) for run in runs)
    for (workflow, branch, conclusion), count in sorted(counted.items()):
        yield RUNS.sample(count, repository, workflow, branch, conclusion)
    over = [run for run in runs if run.ended_as is not Conclusion.RUNNING]
    for (workflow, branch), run in {(run.workflow, run.branch): run for run in reversed(over)}.items():
        yield LAST.sample(run.updated_at, repository, workflow, branch, run.ended_as)
        if run.run_started_at is not None:
            yield DURATION.sample(max(0.0, run.updated_at - run.run_started_at), repository, workflow, branch)


class DeploymentsArea:
    """Requests the newest runs from GitHub.

    Args:
        settings: repositories, and the floor of the quota.
        health: counts the requests.
    """

    def __init__(self, settings: BrainSettings, health: Health) -> None:
        from nervesys.stores.github import GitHub  # PyGithub takes 8 MB

        self._api = GitHub(settings, health.request)
        self._repositories = settings.watched_repositories
        self._etags: dict[str, str | None] = {}
        health.expect("rate_limit", "runs")

    def refresh(self, out: Refresh) -> None:
        """One pass."""
        out.serve_on_failure = True
        quota = self._api.quota()
        for requests, repository in enumerate(self._repositories):
            self._api.check_reserve(quota and quota._replace(remaining=quota.remaining - requests))
            self._ask(repository, out)

    def _ask(self, repository: str, out: Refresh) -> None:
        path = f"/actions/runs?per_page={NEWEST}&exclude_pull_requests=true"
        answer = self._api.get("runs", repository, path, self._etags.get(repository))
        if answer is None:
            return
        etag, body = answer
        try:
            runs = Runs.of(body)
        except BadObject as bad:
            out.reject(repository, etag, bad)
            return
        out.put(repository, runs, run_samples(repository, runs.workflow_runs))
        self._etags[repository] = etag
