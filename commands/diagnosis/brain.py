"""The brain: can it be fetched, may programs push to `state`, and is `main` refused to them?"""

from collections.abc import Iterator

from commands.diagnosis.finding import DoctorFinding, fail, ok, warn
from nervesys.errors import BrainUnavailable
from nervesys.stores.brain import GitBrain
from nervesys.stores.push_probe import PushProbe

SUBJECT = "brain"
REMEDIES = {
    "token is missing, or refused": "set GITHUB_TOKEN (or GITHUB_TOKEN_FILE) to a token for this repository",
    "is not installed": "install git",
    "no branch": "push the configuration to that branch, or set NERVESYS_BRAIN_BRANCH",
    "no config/": "commit config/ to the branch; `nervesys init` makes an example",
    "timed out": "check the URL of NERVESYS_BRAIN, and that this machine reaches it",
    "No space left": "make room on this machine's disk",
}
REMEDY = "check NERVESYS_BRAIN: its URL, and the rights of this machine's credentials"
PROTECT = "protect it on the Git host, or by a hook: docs/how-to/rights.md#the-brain"


def judge_error(problem: str) -> DoctorFinding:
    """The finding for an error of the repository."""
    return fail(SUBJECT, problem, next((remedy for words, remedy in REMEDIES.items() if words in problem), REMEDY))


def judge_state_push(branch: str, probe: PushProbe) -> DoctorFinding:
    """A push to the branch of state must be accepted."""
    if probe.accepted:
        return ok(SUBJECT, f"a push to {branch} would be accepted")
    if probe.accepted is None:
        return warn(SUBJECT, f"whether a push to {branch} is accepted is unknown: {probe.reason}", REMEDY)
    remedy = f"give this machine's credentials the right to push to {branch}"
    return fail(SUBJECT, f"a push to {branch} is refused: {probe.reason}", remedy)


def judge_configuration_push(branch: str, probe: PushProbe) -> DoctorFinding:
    """A push to the branch of configuration must be refused, or whoever breaks into an agent configures the fleet."""
    if probe.accepted:
        return warn(SUBJECT, f"a push to {branch} would be accepted: this machine could change the fleet", PROTECT)
    if probe.accepted is None:
        return warn(SUBJECT, f"whether a push to {branch} is refused is unknown: {probe.reason}", PROTECT)
    return ok(SUBJECT, f"a push to {branch} is refused: {probe.reason}")


def check_brain(brain: GitBrain | None, name: str) -> Iterator[DoctorFinding]:
    """Fetch, and try both pushes; no branch changes (see `nervesys.stores.push_probe`).

    Args:
        brain: None where it is a plain folder.
        name: of the brain, as configured.
    """
    if brain is None:
        remedy = "make it a Git repository, for statuses, summaries and logs of alerts"
        yield warn(SUBJECT, f"{name} is a plain folder: nothing is ever written to it", remedy)
        return
    try:
        brain.fetch()
        tree = brain.tree(brain.branch)
        yield ok(SUBJECT, f"fetched {brain.branch} of {brain.url}, commit {tree.commit[:12] if tree else 'none'}")
        yield judge_state_push(brain.state_branch, brain.probe_push(brain.state_branch))
        if brain.branch != brain.state_branch:
            yield judge_configuration_push(brain.branch, brain.probe_push(brain.branch))
    except BrainUnavailable as err:
        yield judge_error(str(err))
