"""The page of runbooks: each alert with what it says, what it asks, and what to do. Pure: alerts in, Markdown out."""

from collections.abc import Iterator

from alerting.conditions.compile import ConditionCompiler
from alerting.conditions.named_conditions import NAMED_CONDITIONS
from alerting.conditions.vocabulary import Vocabulary
from alerting.generate.rules import rules_of
from alerting.model import Action, Alert, AlertsFile

LANGUAGE = """## The language of conditions

A condition is one comparison, or several joined by `and`, all of which must hold for the same agent or server:

```text
no heartbeat > 5 minutes                       what should keep coming has not come for so long
cpu > 90% for 10 minutes                       a value, all through a window
errors > 20 in 1 hour                          a count within a window
tokens > 5000 per minute in 1 hour             a rate, over a window
failed tasks > completed tasks in 1 day        one against another that is measured alike
memory > threshold and cpu > 50%               `threshold` stands for the value in config/thresholds.yaml
target down                                    a situation with a name of its own
cpu > 50% between 22:00 and 06:00 on weekdays  at these times only, in UTC; or `on weekends`
```

`nervesys alerts explain "cpu > 90% for 10 minutes"` prints the PromQL of a condition, and its value at this moment for
each agent or server. Where the condition is wrong it shows the place, and the nearest word that would be right.

Comparisons are `>`, `>=`, `<` and `<=`. Units are `%`; `B`, `kB`, `MB`, `GB`, `TB`, `KiB`, `MiB`, `GiB`; and `seconds`,
`minutes`, `hours`, `days`, `weeks` or their first letters, as in `1h30m`. Every condition is empty while what it rests
on cannot be believed: a source that is not read raises alerts about itself, and none about agents.
"""


OWN_ADVICE = """\
An alert in your brain's `config/alerts.yaml` that has no `runbook` links here. Open its dashboard, and look when the
value began to change and what else changed then: a deployment, a commit (dashboard Config Changes), another alert.
If an agent is named, read the last lines of its log; if the receiver acts on the alert, its page shows what was done.
When you know what helps, write it as the alert's `runbook`."""
"""General advice, for alerts without any."""


def alerts_page(compiler: ConditionCompiler, alerts: AlertsFile) -> str:
    """The whole page, below its notice.

    Args:
        compiler: of the expressions that are shown.
        alerts: config/alerts.yaml.
    """
    return "".join(
        [
            "# Alerts\n\nWhat each alert means and what to do about it. The expressions hold the shipped thresholds; ",
            "yours are in Prometheus' page of rules.\n",
            *(part for alert in alerts.alerts for part in _section(compiler, alert)),
            f"\n## Alerts of your own\n\n{OWN_ADVICE}\n",
            f"\n{LANGUAGE}",
            *_words(compiler.vocabulary),
        ]
    )


def _words(vocabulary: Vocabulary) -> Iterator[str]:
    """Every word that a condition may hold."""
    for title, terms in (
        ("Values", vocabulary.measures),
        ("What can fail to come, after `no`", vocabulary.absences),
    ):
        yield f"\n### {title}\n\n| word | for each | compared with | has a threshold |\n| --- | --- | --- | --- |\n"
        for word, meanings in terms.items():
            for term in meanings:
                yield f"| {word} | {_labels(term.by)} | {term.unit} | {'yes' if term.threshold else 'no'} |\n"
    yield "\n### Situations\n\n| words | for each |\n| --- | --- |\n"
    for words, named in NAMED_CONDITIONS.items():
        yield f"| {words} | {_labels(named.by)} |\n"


def _labels(by: tuple[str, ...]) -> str:
    return " and ".join(by) or "the fleet"


def _section(compiler: ConditionCompiler, alert: Alert) -> Iterator[str]:
    rules = rules_of(alert, compiler)
    yield f"\n## {alert.name}\n\n{alert.description.strip()}\n\n"
    yield f"- **Severity**: {', '.join(rule.severity for rule in rules)}\n"
    yield f"- **For each**: {_labels(rules[0].by)}\n"
    if not alert.posted:
        yield f"- **Group of rules**: `{alert.group}`\n"
    if alert.condition:
        yield f"- **Condition**: `{alert.condition}`\n"
    if alert.posted:
        yield f"- **Posted by**: {alert.posted}; no rule evaluates it\n"
    if alert.actions:
        yield f"- **Actions**: {', '.join(map(_action, alert.actions))}\n"
    yield f"\n**What to do.** {alert.runbook.strip()}\n"
    for rule in rules if not alert.posted else ():
        title = f"Expression, {rule.severity}" if len(rules) > 1 else "Expression"
        yield f"\n<details><summary>{title}</summary>\n\n```promql\n{rule.expr}\n```\n\n</details>\n"


def _action(action: Action) -> str:
    ((key, value),) = action.model_dump(exclude_none=True, exclude={"confirm"}).items()
    return f"{key} `{value}`{' after approval' if action.confirm else ''}"
