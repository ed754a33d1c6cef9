"""Main Overview: which agent is in trouble, since when, and what was done about it?"""

from functools import partial
from typing import Any

from grafanalib.core import Dashboard

from dashboards.correct import Query
from dashboards.cost import cost
from dashboards.layout import Line, Section
from dashboards.page import chosen, page
from dashboards.recording import RECORDS, TASKS, TOKENS, TOKENS_OF_MODELS, TROUBLE, Rise
from dashboards.shared import (
    FIRING,
    actions_by_agent,
    age,
    count_of,
    firing,
    heartbeat,
    server_load,
    status,
    working,
)
from dashboards.style import (
    AGENT_CELL,
    ANY_IS_CRITICAL,
    ANY_IS_WARNING,
    MEDIUM,
    NONE_IS_CRITICAL,
    SHORT,
    STATUS_CODES,
    STATUS_WORDS,
    TILE,
    TO_AGENT,
    House,
    Unit,
    duration,
    link,
    query,
    stat,
    timeline,
)
from dashboards.tables import Label, Value, table
from dashboards.top_n import LINES, ROWS, WHOLE, Crowd, Top, most
from nervesys.contract.state import Status
from nervesys.metrics import Period

AGENT = 'agent=~"$agent"'
SERVER = 'server=~"$server"'
ERRORS = f'{AGENT}, level="ERROR"'
COMPLETED, FAILED = (f'{AGENT}, outcome="{outcome}"' for outcome in ("completed", "failed"))


def dashboard(house: House) -> Dashboard:
    """The page that is home."""
    return page(
        house,
        uid="main-overview",
        title="Main Overview",
        description="The fleet at a glance: who is in trouble, since when, and what was done about it.",
        variables=(
            chosen("server", "Server", "label_values(nervesys_agent_info, server)"),
            chosen("agent", "Agent", f"label_values(nervesys_agent_info{{{SERVER}}}, agent)"),
        ),
        sections=(
            Section(
                "",
                (
                    Line(TILE, _tiles(house)),
                    Line(MEDIUM, (_statuses(),)),
                    Line(SHORT, (firing("Firing now"), actions_by_agent("What was done", AGENT, house))),
                    Line(MEDIUM, (_agents(house),)),
                ),
            ),
            Section("Servers", (Line(MEDIUM, server_load(house, SERVER)),)),
            Section("Work", (Line(TILE, _a_day(house)), Line(MEDIUM, _work(house)))),
        ),
    )


def _tiles(house: House) -> tuple[Any, ...]:
    down = house.settings.thresholds.heartbeat.down_after_seconds
    to_alerts = (link("Alerts & Actions", "/d/alerts-actions"),)
    return (
        stat(
            "At work",
            "How many agents are running or idle?",
            Unit.COUNT,
            query(count_of(working(AGENT))),
            steps=NONE_IS_CRITICAL,
        ),
        stat(
            "Silent",
            f"How many agents have sent no heartbeat for {duration(down)}, whether stopped or dead?",
            Unit.COUNT,
            query(count_of(f"{heartbeat(AGENT)} < time() - {down:g}")),
            steps=ANY_IS_CRITICAL,
        ),
        stat(
            "Degraded",
            "How many agents say themselves that something is wrong?",
            Unit.COUNT,
            query(count_of(f"{status(AGENT)} == {STATUS_CODES[Status.DEGRADED]}")),
            steps=ANY_IS_WARNING,
        ),
        stat(
            "Alerts firing",
            "How many alerts fire now, the Watchdog left out?",
            Unit.COUNT,
            query(count_of(FIRING)),
            steps=ANY_IS_CRITICAL,
            links=to_alerts,
        ),
        stat(
            "Actions under way",
            "How many actions are open, escalated ones included?",
            Unit.COUNT,
            query("sum(nervesys_open_actions) or vector(0)"),
            steps=ANY_IS_WARNING,
            links=to_alerts,
        ),
        stat(
            "Escalated",
            "How many actions did not help and wait for a person?",
            Unit.COUNT,
            query('sum(nervesys_open_actions{state="escalated"}) or vector(0)'),
            steps=ANY_IS_CRITICAL,
            links=to_alerts,
        ),
        stat(
            "Errors",
            "How many errors were logged in the time range?",
            Unit.COUNT,
            query(f"sum({RECORDS.total(house.periods, ERRORS, WHOLE)})"),
            steps=ANY_IS_WARNING,
            empty="0",
        ),
        stat(
            "Tokens",
            "How many tokens were used in the time range?",
            Unit.COUNT,
            query(f"sum({TOKENS.total(house.periods, AGENT, WHOLE)})"),
        ),
    )


def _statuses() -> Any:
    title = "Status of each agent"
    crowd = Crowd(status, f"count_over_time({TROUBLE}{{{AGENT}}}{WHOLE}) or 0 * {status(AGENT)}")
    return timeline(
        title,
        "What was each agent doing, and since when is one silent? By its own word, while that is fresh. "
        f"At most {LINES} are drawn: those that were in trouble for the longest in the time range.",
        crowd.query(title),
        words=STATUS_WORDS,
        empty="No agent has ever reported",
        links=(TO_AGENT,),
    )


def _agents(house: House) -> Any:
    elsewhere = 'nervesys_agent_info{server!~"$server"}'  # and not those without one: a silent agent tells no server
    silent = Top("silent", f"{heartbeat(AGENT)} unless on (agent) {elsewhere}", "agent", ROWS, lowest=True)

    def newest(family: str, by: str = "agent", scale: str = "") -> Query:
        return silent.of(query(f"{scale}max by ({by}) (nervesys_agent_{family}{{{silent.matcher}}})"))

    return table(
        "Agents",
        f"Which agent needs a look? The {ROWS} longest silent, the longest on top; a name leads to its page.",
        Label("agent", "Agent", links=(AGENT_CELL,)),
        Value("Status", silent.of(query(status(silent.matcher))), words=STATUS_WORDS),
        Value("Heartbeat age", silent.of(query(age(silent.matcher))), Unit.SECONDS, house.silence),
        Label("server", "Server"),
        Label("role", "Role"),
        Label("model", "Model"),
        Label("version", "Version"),
        Value("", newest("info", "agent, server, role, model, version")),
        Value("Started", newest("start_timestamp_seconds", scale="1000 * "), Unit.AGO),
        Value("Waiting to be shipped", newest("buffer_bytes"), Unit.BYTES),
        sort="Heartbeat age",
        empty="No agent has ever reported",
    )


def _a_day(house: House) -> tuple[Any, ...]:
    def total(rise: Rise, matchers: str) -> str:
        return rise.total(house.periods, matchers, "[1d]")

    return (
        stat(
            "Tasks completed, last day",
            "How many tasks were completed in the day that ends with the time range?",
            Unit.COUNT,
            query(f"sum({total(TASKS, COMPLETED)})"),
        ),
        stat(
            "Tasks failed, last day",
            "How many tasks failed in the day that ends with the time range?",
            Unit.COUNT,
            query(f"sum({total(TASKS, FAILED)})"),
            steps=ANY_IS_WARNING,
        ),
        stat(
            "Tokens, last day",
            "How many tokens were used in the day that ends with the time range?",
            Unit.COUNT,
            query(f"sum({total(TOKENS, AGENT)})"),
        ),
        stat(
            "Cost, last day",
            "What did the tokens of that day cost, by the agents' logs and config/prices.yaml?",
            house.money,
            query(f"sum({cost(house.settings.prices, AGENT, partial(total, TOKENS_OF_MODELS))})"),
        ),
    )


def _work(house: House) -> tuple[Any, ...]:
    return (
        _pace(house, "Tasks ended", "How much gets done, and by whom?", TASKS),
        _pace(house, "Errors logged", "Whose error rate rose, and when?", RECORDS, 'level="ERROR"'),
        _pace(house, "Tokens used", "Who uses how much of the models?", TOKENS),
    )


def _pace(house: House, title: str, question: str, rise: Rise, matchers: str = "") -> Any:
    """A graph of how fast a counter grew, by the minute."""

    def of(agents: str) -> str:
        return f"{agents}, {matchers}" if matchers else agents

    crowd = Crowd(
        lambda top: rise.per_minute(house.periods, of(top), "agent"),
        f"sum by (agent) ({rise.total(house.periods, of(AGENT), WHOLE)})",
    )
    asked = house.shipped if rise.period is Period.SHIP else query
    return most(title, question, Unit.PER_MINUTE, crowd, asked=asked)
