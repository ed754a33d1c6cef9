"""config/alerts.yaml: the alerts, the channels that they notify, and their actions.

A channel names files that hold its secrets, never the secrets themselves; a relative name lies in the folder of
secrets. A disabled channel may be named by alerts; nothing is sent to it.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from alerting.actions import BY_OPERATORS, REMEDIES
from alerting.overlay import MergedAlerts, merge_alerts
from alerting.units import parse_duration
from nervesys.contract.validation import text_form
from nervesys.errors import SettingsError, SettingsProblem
from nervesys.settings import FolderTree, Tree, shipped_root
from nervesys.settings.check import check, suggest
from nervesys.settings.loader import SHIPPED
from nervesys.settings.section import SettingsSection
from nervesys.settings.yaml import try_yaml

ALERTS_FILE = "config/alerts.yaml"
ANALYSTS = ("alibaba",)
"""Language models that may be asked."""
RUNBOOKS = "reference/alerts.md"
"""The page of runbooks, below the address of the documentation; each alert has a heading there."""
OWN = "alerts-of-your-own"
"""Heading of the general advice on that page, for an alert without a runbook."""


class AlertSeverity(StrEnum):
    """How soon someone should look."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"
    NONE = "none"


def _known_word(kind: str, known: Collection[str], but: Collection[str] = ()) -> AfterValidator:
    def check(word: str) -> str:
        if word not in known or word in but:
            raise ValueError(f"unknown {kind} {word!r}; {suggest(word, [name for name in known if name not in but])}")
        return word

    return AfterValidator(check)


def _log_folder(text: str) -> str:
    found = re.fullmatch(r"(?:[A-Za-z0-9][A-Za-z0-9._-]*/)?(logs/[a-z0-9_/-]*)", text)
    if not found:
        raise ValueError("a folder below logs/ of the brain, such as logs/alerts/")
    return found[1]


class Action(SettingsSection):
    """One thing to do; exactly one key is given, beside `confirm`.

    Attributes:
        notify: a channel to notify.
        auto_action: what the receiver does by itself, and proves.
        confirm: whether a person must approve the `auto_action` before each episode's first attempt.
        log_to: folder of the brain whose daily file gets a line; the repository's name may stand in front of it.
        analyze: a language model that says whether it is critical.
    """

    notify: str | None = None
    auto_action: Annotated[str, _known_word("action", REMEDIES, BY_OPERATORS)] | None = None
    confirm: bool = False
    log_to: Annotated[str, AfterValidator(_log_folder)] | None = None
    analyze: Annotated[str, _known_word("language model", ANALYSTS)] | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.model_fields_set - {"confirm"}) != 1:
            raise ValueError("an action has exactly one of notify, auto_action, log_to, analyze")
        if self.confirm and self.auto_action is None:
            raise ValueError("`confirm` goes with an auto_action, which it lets wait for approval")
        return self


class _Channel(SettingsSection):
    enabled: bool = True


class SlackChannel(_Channel):
    """A Slack incoming webhook.

    Attributes:
        api_url_file: file that holds the webhook's URL, which is a secret.
    """

    type: Literal["slack"]
    api_url_file: str = "slack_url"
    channel: str


class EmailChannel(_Channel):
    """Mail through an SMTP server.

    Attributes:
        smarthost: `HOST:PORT`.
        auth_password_file: file that holds the password; needed with `auth_username`.
    """

    model_config = ConfigDict(populate_by_name=True)

    type: Literal["email"]
    to: str
    sender: str = Field(alias="from")
    smarthost: str
    auth_username: str | None = None
    auth_password_file: str = "smtp_password"  # noqa: S105  # a file's name
    require_tls: bool = True


class WebhookChannel(_Channel):
    """Any URL that takes Alertmanager's webhook.

    Attributes:
        token_file: file that holds a bearer token; None sends none.
    """

    type: Literal["webhook"]
    url: str
    token_file: str | None = None


class TelegramChannel(_Channel):
    """A Telegram bot; Alertmanager reads its token from a file since 0.26.

    Attributes:
        bot_token_file: file that holds the bot's token.
        chat_id: of the person, group or channel that it writes to.
        approvers: ids of the users who may press the buttons of an approval; by default the person of a private chat,
            and nobody in a group.
    """

    type: Literal["telegram"]
    bot_token_file: str = "telegram_token"  # noqa: S105  # a file's name
    chat_id: int
    approvers: tuple[int, ...] = ()

    @property
    def may_press(self) -> frozenset[int]:
        """Ids of the users whose buttons count. The id of a private chat is that of its person; groups are negative."""
        return frozenset(self.approvers or ((self.chat_id,) if self.chat_id > 0 else ()))


Channel = Annotated[SlackChannel | EmailChannel | WebhookChannel | TelegramChannel, Field(discriminator="type")]
CARRIERS = (SlackChannel, EmailChannel, TelegramChannel)
"""Channels by which approvals are asked for; what reads a webhook is no person."""
Duration = Annotated[float, BeforeValidator(lambda text: parse_duration(str(text)))]
"""Seconds, written such as `10 minutes`."""
LONGEST_INTERVAL = 120
"""Seconds between two evaluations: Prometheus forgets a result after five minutes, so that one may be left out."""
GroupName = Annotated[
    str, text_form("[a-z][a-z0-9]*(-[a-z0-9]+)*", "must be words in small letters, such as my-agents")
]


@dataclass(frozen=True)
class Evaluations:
    """An interval in evaluations of the other groups, so that it follows their pace."""

    number: int


def evaluations(number: int, every: float) -> float:
    """So many evaluations in seconds, at most `LONGEST_INTERVAL`."""
    return min(number * every, max(LONGEST_INTERVAL, every))


def _parse_interval(text: object) -> Evaluations | float:
    found = re.fullmatch(r"([1-9]\d?) evaluations", str(text))
    if found:
        return Evaluations(int(found[1]))
    seconds = parse_duration(str(text))
    if not 0 < seconds <= LONGEST_INTERVAL:
        raise ValueError(f"must be longer than 0 s and at most {LONGEST_INTERVAL} s")
    return seconds


GroupInterval = Annotated[Evaluations | float, BeforeValidator(_parse_interval)]
"""Seconds, written such as `1 minute`, or as `4 evaluations`."""


class Alert(SettingsSection):
    """One alert.

    Attributes:
        name: for people, such as `Agent Down`; see `alertname`.
        condition: in the language of `alerting.conditions.language`.
        expr: PromQL, taken as it is, in place of a condition.
        posted: who posts it to Alertmanager, in place of a condition: nothing evaluates it.
        by: with `expr` and `posted`, the labels that it carries.
        hold: seconds that it must hold before it fires.
        severity: None where the condition reads a pair of thresholds, which makes one rule of either severity; else
            by default critical with an automatic action, warning with a notification, and info without.
        group: of rules that are evaluated one after the other; the rules of other groups do not wait for them.
        actions: all are done, in no order.
        because: why its automatic action helps, for the journal.
        inhibits: names of alerts whose notifications are inhibited while this one fires for the same agent, server, ….
        summary: one line; Prometheus expands its templates, such as `{{ $labels.agent }}`; by default, its name and
            condition.
        description: what is the case and what it means, with templates; by default, its condition.
        runbook: what to do about it, for someone who was asleep a minute ago; by default, general advice.
        dashboard: which dashboard the alert links to.
    """

    model_config = ConfigDict(populate_by_name=True)

    name: Annotated[
        str,
        text_form(
            "[A-Z][A-Za-z0-9]*( [A-Z0-9][A-Za-z0-9]*)*", "must be words that begin with a capital, such as Agent Down"
        ),
    ]
    condition: str | None = None
    expr: str | None = None
    posted: Literal["analysis"] | None = None
    by: tuple[str, ...] = ()
    hold: Duration = Field(default=0, alias="for")
    group: GroupName = "own"
    severity: AlertSeverity | None = None
    actions: tuple[Action, ...] = ()
    because: str = ""
    inhibits: tuple[str, ...] = ()
    summary: str = ""
    description: str = ""
    runbook: str = ""
    dashboard: str = "main-overview"

    @model_validator(mode="after")
    def _has_single_source(self) -> Self:
        if sum(source is not None for source in (self.condition, self.expr, self.posted)) != 1:
            raise ValueError("an alert has one of condition, expr and posted")
        if self.by and self.condition is not None:
            raise ValueError("`by` goes with `expr` and `posted`; a condition knows its labels")
        if self.because and not any(action.auto_action for action in self.actions):
            raise ValueError("`because` goes with an auto_action, whose reason it gives")
        return self

    @property
    def alertname(self) -> str:
        """The name as a label: `AgentDown`."""
        return self.name.replace(" ", "")

    @property
    def anchor(self) -> str:
        """The name as part of a link: `agent-down`."""
        return self.name.lower().replace(" ", "-")

    @property
    def runbook_page(self) -> str:
        """The page of its runbook, below the address of the documentation; general advice if it has none."""
        return f"{RUNBOOKS}#{self.anchor if self.runbook else OWN}"

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that it notifies."""
        return tuple(action.notify for action in self.actions if action.notify)

    def confirms(self, action: str) -> bool:
        """Whether this action of the alert waits for approval."""
        return any(step.confirm for step in self.actions if step.auto_action == action)

    @property
    def acts(self) -> bool:
        """Whether the receiver has anything to do for it."""
        return any(action.notify is None for action in self.actions)


class AlertsFile(SettingsSection):
    """config/alerts.yaml, whole.

    Attributes:
        engine: who evaluates; one at a time, so that nothing fires twice.
        disable: names of shipped alerts that the brain does not want.
        shipped: False leaves out all shipped alerts but the Watchdog.
        intervals: between two evaluations of a group of rules, where it is longer than that of all others.
    """

    engine: Literal["prometheus", "grafana"]
    channels: dict[str, Channel]
    alerts: tuple[Alert, ...]
    disable: tuple[str, ...] = ()
    shipped: bool = True
    intervals: dict[GroupName, GroupInterval] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_unique_names(self) -> Self:
        names = [alert.alertname for alert in self.alerts]
        duplicates = sorted({name for name in names if names.count(name) > 1})
        if duplicates:
            raise ValueError(f"two alerts are named {', '.join(duplicates)}")
        return self

    @property
    def enabled(self) -> dict[str, Channel]:
        """The channels that are enabled."""
        return {name: channel for name, channel in self.channels.items() if channel.enabled}

    def interval_of(self, group: str, shortest: float) -> float:
        """Seconds between two evaluations of a group of rules.

        Args:
            group: its name.
            shortest: that of all groups for which nothing else is set.
        """
        interval = self.intervals.get(group, 0.0)
        return evaluations(interval.number, shortest) if isinstance(interval, Evaluations) else max(interval, shortest)

    def approval_channels(self, alertnames: Iterable[str]) -> list[str]:
        """The enabled channels of these alerts that can carry a link to approve."""
        named = filter(None, map(self.named, alertnames))
        channels = {name for alert in named for name in alert.channels}
        return sorted(name for name in channels & self.enabled.keys() if isinstance(self.channels[name], CARRIERS))

    def named(self, alertname: str) -> Alert | None:
        """The alert with this label, or None."""
        return next((alert for alert in self.alerts if alert.alertname == alertname), None)


def read_alerts(tree: Tree) -> tuple[AlertsFile, MergedAlerts]:
    """The shipped alerts with those of a brain laid over them, and the origin of each value.

    Raises:
        SettingsError: with every mistake of form, file and line.
    """
    mistakes: list[SettingsProblem] = []
    root = FolderTree(shipped_root())
    shipped = try_yaml(root, ALERTS_FILE, mistakes, SHIPPED)
    own = None if tree == root else try_yaml(tree, ALERTS_FILE, mistakes)
    if mistakes or shipped is None:
        raise SettingsError(mistakes or [SettingsProblem(f"{SHIPPED}{ALERTS_FILE}", "", "no such file")])
    merged = merge_alerts(shipped, own)
    alerts, problems = check(AlertsFile, merged.data)
    mistakes = merged.problems + [SettingsProblem(merged.origin(at), ".".join(at), text) for at, text in problems]
    if mistakes or alerts is None:
        raise SettingsError(mistakes)
    return alerts, merged
