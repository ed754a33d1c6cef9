"""What may have caused or ended an error: changes of the configuration, restarts, and alerts."""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nervesys.agent.round.error_history import ErrorEnd, RecurringError
from nervesys.contract.times import DAY_SECONDS, format_time, parse_time
from nervesys.errors import BadObject, BrainUnavailable
from nervesys.stores.brain import GitBrain
from nervesys.stores.commits import Commit

log = logging.getLogger(__name__)

WALK = 2000
"""Commits that are looked through, the newest first."""
CONFIG = "config"
ALERT_LOG = "logs/alerts/{day}.jsonl"
"""Where the shipped alerts have the receiver log them, on the brain's state branch."""
SUBJECT_CHARACTERS = 120


@dataclass
class ErrorCauses:
    """Answers for a round.

    Attributes:
        brain: holds configuration and alert log.
    """

    brain: GitBrain
    _commits: list[tuple[Commit, frozenset[str]]] | None = None
    _alerts: dict[str, list[tuple[float, str, str]]] = field(default_factory=dict)

    def last_change(self, agent: str) -> dict[str, str] | None:
        """The last commit that touched an agent's configuration; None if none of those that are known did."""
        commit = next((commit for commit, files in self._changes() if files & _files_of(agent)), None)
        return None if commit is None else describe_commit(commit)

    def end_of(
        self, kind: RecurringError, day: str, active: Iterable[str], starts: Mapping[str, Sequence[float]]
    ) -> ErrorEnd | None:
        """What ended an error that did not happen on a day; None if none of its agents was active to have it.

        The earliest of: a restart of one of its agents, a commit to the configuration of one of them.

        Args:
            kind: of error.
            day: in UTC.
            active: agents that logged anything on the day.
            starts: when instances started on the day or the one before, in Unix seconds.
        """
        end = parse_time(day) + DAY_SECONDS
        if not kind.agents.keys() & set(active) or kind.last_seen >= parse_time(day):
            return None
        found = [
            self._restart(agent, at, kind.last_seen)
            for agent in kind.agents
            for at in starts.get(agent, ())
            if kind.last_seen < at < end
        ]
        for commit, files in self._changes():
            if kind.last_seen < commit.time < end and any(files & _files_of(agent) for agent in kind.agents):
                found.append(ErrorEnd(by="configuration", at=commit.time, what=_name(commit)))
        unknown = ErrorEnd(by="unknown", at=kind.last_seen, what="")
        return min(found, key=lambda event: event.at, default=unknown)

    def _restart(self, agent: str, at: float, since: float) -> ErrorEnd:
        """A new instance is the proof of a restart; the receiver's, if it was alerted to the agent before."""
        alerts = [name for when, who, name in self._alerted(since, at) if who == agent]
        if alerts:
            return ErrorEnd(by="action", at=at, what=f"restart of {agent} after the alert {alerts[-1]}")
        return ErrorEnd(by="restart", at=at, what=f"restart of {agent}")

    def _alerted(self, since: float, until: float) -> Iterator[tuple[float, str, str]]:
        """Time, agent and name of the alerts between two instants."""
        for day in sorted({format_time(since)[:10], format_time(until)[:10]}):
            if day not in self._alerts:
                tree = self.brain.tree(self.brain.state_branch)
                body = tree.read(ALERT_LOG.format(day=day)) if tree is not None else None
                self._alerts[day] = list(_parse_alerts(body or b""))
            yield from (alert for alert in self._alerts[day] if since <= alert[0] <= until)

    def _changes(self) -> list[tuple[Commit, frozenset[str]]]:
        """The commits that changed the configuration, the newest first, with their files; none if it cannot be read."""
        if self._commits is None:
            self._commits = []
            try:
                history = self.brain.with_history(WALK)
                history.fetch_configuration()
                for commit in history.log(history.branch, WALK):
                    if files := frozenset(commit.changed_files(CONFIG)):
                        self._commits.append((commit, files))
            except BrainUnavailable as err:
                log.warning("errors are learned from without the commits of the configuration: %s", err)
        return self._commits


def describe_commit(commit: Commit) -> dict[str, str]:
    """A commit as JSON."""
    subject = commit.subject[:SUBJECT_CHARACTERS]
    return {"commit": commit.id[:12], "author": commit.author, "at": format_time(commit.time), "subject": subject}


def _name(commit: Commit) -> str:
    return f"{commit.id[:12]} by {commit.author}: {commit.subject[:SUBJECT_CHARACTERS]}"


def _files_of(agent: str) -> frozenset[str]:
    """The files that configure one agent; those of all agents would be named for every error."""
    return frozenset({f"{CONFIG}/agents/{agent}.yaml", f"{CONFIG}/agents/{agent}.yml", f"{CONFIG}/agents/default.yaml"})


def _parse_alerts(body: bytes) -> Iterator[tuple[float, str, str]]:
    for line in body.splitlines():
        try:
            entry = json.loads(line)
            if entry["status"] == "firing" and entry["agent"]:
                yield parse_time(entry["timestamp"]), str(entry["agent"]), str(entry["alert"])
        except (ValueError, LookupError, TypeError, BadObject):
            continue
