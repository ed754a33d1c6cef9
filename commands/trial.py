"""`nervesys alerts test`: send a test alert through the whole chain, and follow it to the receiver's journal."""

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from alerting.generate.routes import ACTIONS
from alerting.generate.trial import LASTS_SECONDS, AlertTest, make_alert_test
from alerting.model import Action, read_alerts
from alerting.receiver.local import open_local
from commands.conditions import condition_compiler
from commands.diagnosis.receiver import seconds_since_webhook
from commands.local import environment
from commands.options import BrainUrl, Home, ReceiverFile
from nervesys.clients.alertmanager import Alertmanager
from nervesys.clock import system_clock
from nervesys.errors import NervesysError
from nervesys.settings import AgentConfig, Settings, Web
from nervesys.settings.check import suggest
from nervesys.stack.receiver import actions, post_as_grafana
from nervesys.stores.open_stores import Configuration, load_configuration

POLL_SECONDS = 0.5
ENDED = "test alert resolved; the test ended because every step was seen"


def follow_a_test(
    name: Annotated[str, typer.Argument(metavar="ALERT", help='Such as "Agent Down".')],
    agent: Annotated[str | None, typer.Option(help="Label `agent` of the test alert.")] = None,
    server: Annotated[str | None, typer.Option(help="Label `server` of the test alert.")] = None,
    label: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="Any other label.")] = None,
    wait: Annotated[float, typer.Option(help="Longest time to follow it, in seconds.")] = 60,
    receiver_file: ReceiverFile = None,
    home: Home = None,
    brain: BrainUrl = None,
) -> None:
    """Send a test alert through Alertmanager, and follow it to the receiver's journal.

    For example: `nervesys alerts test "Agent Down" --agent grok`. The alert is marked as a test: people are notified,
    but the receiver only records it and never acts. With `engine: grafana` the alert is sent straight to the receiver,
    in Grafana's format, because Grafana accepts no alerts from outside.
    """
    configuration = load_configuration("alerts", environment(home), home=home, brain=brain, also=[read_alerts])
    settings, (alerts, _) = configuration.loaded.settings, read_alerts(configuration.tree)
    compiler = condition_compiler(configuration.loaded)
    labels = {"agent": agent, "server": server, **dict(map(_pair, label or ()))}
    try:
        test = make_alert_test(name, {key: value for key, value in labels.items() if value}, alerts, compiler)
    except ValueError as err:
        raise typer.BadParameter(str(err)) from None
    _check_agent(agent, configuration.loaded.agents)
    out, began = Console(highlight=False, soft_wrap=True), time.monotonic()
    by_grafana = alerts.engine == "grafana"
    events = _follow_grafana(test, configuration, receiver_file, wait) if by_grafana else _follow(test, settings, wait)
    for event in events:
        out.print(f"{time.monotonic() - began:3.0f} s  {event}", markup=False)


def _check_agent(name: str | None, agents: Mapping[str, AgentConfig]) -> None:
    """Refuse an agent that the brain does not have: the receiver would only reject the test."""
    if name is None or (name in agents and agents[name].enabled):
        return
    problem = "is disabled in the brain" if name in agents else f"is not in the brain; {suggest(name, agents)}"
    raise typer.BadParameter(f"--agent {name}: {problem}")


def _pair(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    if not (key and value):
        raise typer.BadParameter(f"--label {text}: must be NAME=VALUE")
    return key, value


def _follow(test: AlertTest, settings: Settings, seconds: float) -> Iterator[str]:
    """Each step of the test as it happens; at the end the alert is resolved."""
    listen, start = settings.monitoring.listen, system_clock()
    alertmanager = Alertmanager(f"http://{listen.alertmanager}")
    deadline = time.monotonic() + seconds
    alertmanager.post(test.body(start, start + LASTS_SECONDS))
    try:
        yield f"sent {test.alert.alertname} to {alertmanager.url}, marked as a test"
        receivers = _find_receivers(alertmanager, test, deadline)
        people = [name for name in receivers if name != ACTIONS]
        patience = settings.monitoring.alertmanager.group_wait_seconds
        yield f"Alertmanager notifies {', '.join(people) or 'no people'} within {patience:g} s"
        if ACTIONS in receivers:
            yield from _follow_journal(test, settings, start, deadline)
    finally:
        alertmanager.post(test.body(start, system_clock()))
    yield ENDED


def _follow_grafana(
    test: AlertTest, configuration: Configuration, receiver_file: Path | None, seconds: float
) -> Iterator[str]:
    """Each step of a test that is posted in Grafana's format."""
    settings, token = configuration.loaded.settings, open_local(configuration.place, receiver_file).token
    assert token is not None, "open_local fills it in"
    post = partial(
        post_as_grafana, settings.monitoring.listen.receiver, settings.monitoring.web, token.get_secret_value()
    )
    start, deadline = system_clock(), time.monotonic() + seconds
    post(test.as_grafana(start))
    try:
        yield f"sent {test.alert.alertname} to the receiver, as Grafana would, marked as a test"
        yield "Grafana notifies people: test each contact point there"
        yield from _follow_journal(test, settings, start, deadline)
    finally:
        post(test.as_grafana(start, system_clock()))
    yield ENDED


def _find_receivers(alertmanager: Alertmanager, test: AlertTest, deadline: float) -> tuple[str, ...]:
    """The receivers to which Alertmanager routes the alert."""
    while (known := alertmanager.find(test.labels)) is None:
        _wait_until(deadline, lambda: "Alertmanager did not accept the alert")
    if known.suppressed_by:
        raise NervesysError(f"test {test.alert.name}: Alertmanager suppresses it: {known.suppressed_by}")
    return known.receivers


def _follow_journal(test: AlertTest, settings: Settings, start: float, deadline: float) -> Iterator[str]:
    """What the receiver does with the alert."""
    automatic = {action.auto_action for action in test.alert.actions if action.auto_action}
    if not automatic:
        yield f"the receiver is notified, and creates no {_describe(test.alert.actions)} for a test"
        return
    web, address = settings.monitoring.web, settings.monitoring.listen.receiver
    while not (found := [episode for episode in _episodes(test, settings, start) if episode["action"] in automatic]):
        _wait_until(deadline, lambda: _why_not_received(address, web, start))
    yield f"the receiver recorded it as episode {found[0]['id']}"
    while not (ended := [episode for episode in _episodes(test, settings, start) if episode["closed_at"] is not None]):
        _wait_until(deadline, lambda: "the receiver did not decide on it; see `nervesys logs receiver`")
    for episode in ended:
        yield f"{episode['action']}: {episode['state']} ({episode['verdict']}) {episode['detail']}".rstrip()


def _episodes(test: AlertTest, settings: Settings, start: float) -> list[dict[str, Any]]:
    """The journal's episodes of this test."""
    address, web = settings.monitoring.listen.receiver, settings.monitoring.web
    journal = actions(address, web, tests=True, agent=test.labels["agent"])
    return [episode for episode in journal if episode["opened_at"] >= start]


def _describe(actions: tuple[Action, ...]) -> str:
    return " or ".join(sorted({key for action in actions for key in action.model_fields_set if key != "notify"}))


def _why_not_received(address: str, web: Web, start: float) -> str:
    """Why no episode appeared: whether any webhook of Alertmanager was accepted since the test began."""
    since = seconds_since_webhook(address, web, system_clock())
    if since is not None and since < system_clock() - start:
        return "the receiver accepts webhooks, but has none of this alert; see `nervesys logs alertmanager`"
    return (
        "the receiver accepted no webhook of Alertmanager: the token or the address in Alertmanager's configuration "
        "is wrong; see `nervesys doctor`"
    )


def _wait_until(deadline: float, problem: Callable[[], str]) -> None:
    if time.monotonic() > deadline:
        raise NervesysError(f"follow the test: it ended because the time of --wait is up: {problem()}")
    time.sleep(POLL_SECONDS)
