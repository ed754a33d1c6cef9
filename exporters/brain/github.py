"""Area `github`: the rate limit and branch protection, which only GitHub's API has.

Reads   the rate limit, which costs nothing; then the branch of the configuration, by its ETag, for an answer that it
        is unchanged costs nothing either. At the floor of the quota nothing more is asked.
Units   requests, Unix seconds.
Errors  BrainUnavailable and QuotaLow are raised: exporter_up drops to 0; the rate limit is shown where it is known.
"""

from typing import TYPE_CHECKING
from urllib.parse import quote

from exporters.runner import Health, Refresh
from nervesys.errors import BadObject, Reason
from nervesys.metrics import ConditionTerm, Family, Period, Sample, SourceArea
from nervesys.settings.storage import BrainSettings

if TYPE_CHECKING:
    from nervesys.stores.github import Quota

NO_GITHUB = "the brain is no repository on GitHub, or no token is set"
ORIGIN = SourceArea("brain", "github")
LIMIT = Family(
    "github_rate_limit_requests",
    "gauge",
    "Requests per hour that GitHub's API allows.",
    (),
    Period.SCRAPE,
    optional={"": NO_GITHUB},
)
REMAINING = Family(
    "github_rate_limit_remaining_requests",
    "gauge",
    "Requests left in the current rate limit window.",
    (),
    Period.SCRAPE,
    conditions=(
        ConditionTerm(
            word="rate limit",
            kind="level",
            origin=ORIGIN,
            unit="ratio",
            threshold=lambda t: t.rate_limit_percent,
            per=" / nervesys_github_rate_limit_requests",
        ),
    ),
    optional={"": NO_GITHUB},
)
RESET = Family(
    "github_rate_limit_reset_timestamp_seconds", "gauge", "Time at which the rate limit resets.", (), Period.SCRAPE
)
PROTECTED = Family(
    "github_branch_protected",
    "gauge",
    "1 if the configuration branch is protected on GitHub, else 0.",
    ("branch",),
    Period.SCRAPE,
)

FAMILIES = (LIMIT, REMAINING, RESET, PROTECTED)


def rate_limit_samples(quota: "Quota | None") -> tuple[Sample, ...]:
    """The samples of a rate limit; none where the server has none."""
    if quota is None:
        return ()
    return LIMIT.sample(quota.limit), REMAINING.sample(quota.remaining), RESET.sample(quota.reset)


class GitHubArea:
    """Requests both from GitHub.

    Args:
        settings: repository, branch and the floor of the quota.
        health: counts the requests.
    """

    def __init__(self, settings: BrainSettings, health: Health) -> None:
        from nervesys.stores.github import GitHub  # PyGithub takes 8 MB, and few fleets have their brain there

        self._api = GitHub(settings, health.request)
        self._repository, self._branch = settings.repository or "", settings.branch
        self._etag: str | None = None
        health.expect("rate_limit", "branch")

    def refresh(self, out: Refresh) -> None:
        """One pass."""
        quota = self._api.quota()
        rate_limit = rate_limit_samples(quota)
        out.put("rate limit", rate_limit, rate_limit)
        out.serve_on_failure = True  # the rate limit is shown also where the next request is refused
        self._api.check_reserve(quota)
        branch = self._branch
        path = f"/branches/{quote(branch, safe='')}"
        answer = self._api.get("branch", self._repository, path, self._etag)
        if answer is None:
            return
        self._etag, body = answer
        protected = body.get("protected") if isinstance(body, dict) else None
        if isinstance(protected, bool):
            out.put("branch", protected, [PROTECTED.sample(protected, branch)])
        else:
            out.reject("branch", self._etag, BadObject(Reason.BAD_VALUE, "the branch has no field `protected`"))
