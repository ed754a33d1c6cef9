"""Rules for generated pages: each is a function that returns violations. Needs neither Grafana nor network.

Those named `…-rule` are of Grafana's dashboard-linter; `EXCLUDED` says which of them do not hold here, and why.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dashboards import grafana_rules
from dashboards.grafana_json import DATASOURCE, Json
from dashboards.layout import COLUMNS
from nervesys.clients.promql import KnownSeries, Selection, selections
from nervesys.clients.promql import problems as problems_of
from nervesys.contract.times import seconds_of
from nervesys.logs.logql.lexer import LogqlError
from nervesys.logs.logql.parser import parse as parse_logql
from nervesys.metrics.periods import Periods
from nervesys.queries.dashboard_queries import (
    QUERY,
    PanelQuery,
    log_panels_of,
    panels_of,
    queries_of,
    top_selections_of,
)
from nervesys.queries.variables import ANY, substitute, variables_in, windows

BY_SUBJECT = (
    "Queries are about agents, servers and areas: exporters are sharded and replicated, so their job and instance "
    "are aggregated away."
)
EXCLUDED = dict.fromkeys(
    ("template-job-rule", "template-instance-rule", "target-job-rule", "target-instance-rule"), BY_SUBJECT
)
UID = re.compile(r"[A-Za-z0-9_-]{1,40}")
MANY = frozenset({"agent", "server", "entity", "from", "project", "to"})
"""Labels that may have thousands of values."""
COUNTING = frozenset({"rate", "irate", "increase"})
EXACT = frozenset({"last_over_time", "min_over_time"})
OF_RATES = frozenset({"target-counter-agg-rule", "window"})
"""Rules for rates; not for exact differences of single values in recording rules."""


@dataclass(frozen=True)
class Finding:
    """A violation of a rule.

    Attributes:
        where: page, and panel and query where there is one.
        rule: name of the rule.
        problem: what is wrong.
    """

    where: str
    rule: str
    problem: str


@dataclass(frozen=True)
class CheckContext:
    """What pages are checked against.

    Attributes:
        known: every series that may be asked for, by its exposed name.
        periods: in seconds.
        interval: of the data source, in seconds.
    """

    known: Mapping[str, KnownSeries]
    periods: Periods
    interval: float


def check_pages(pages: Sequence[Json], context: CheckContext) -> list[Finding]:
    """All findings about the pages."""
    found = [*_uniqueness(pages)]
    for rule, findings in grafana_rules.ALL_PAGES.items():
        found += [Finding(uid, rule, problem) for uid, problem in findings(pages)]
    for page in pages:
        for rule, problems in PAGE_RULES.items():
            found += [Finding(page["uid"], rule, problem) for problem in problems(page)]
        for panel in panels_of(page):
            for rule, problems in PANEL_RULES.items():
                found += [Finding(f"{page['uid']} / {panel['title']}", rule, problem) for problem in problems(panel)]
        for panel in log_panels_of(page):
            found += [Finding(f"{page['uid']} / {panel['title']}", "logs", problem) for problem in _log_query(panel)]
        for question in queries_of(page):
            found += _of_question(question, page, context)
    return found


def _log_query(panel: Json) -> Iterator[str]:
    """Problems of a panel of log records."""
    yield from _titles(panel)
    for target in panel["targets"]:
        try:
            parse_logql(substitute(target["expr"], dict.fromkeys(variables_in(target["expr"]), ANY)))
        except LogqlError as err:
            yield str(err)


def check_rules(recording: Json, context: CheckContext) -> list[Finding]:
    """All findings about recording rules, as Prometheus loads them."""
    return [
        Finding(rule["record"], breaks, problem)
        for group in recording["groups"]
        for rule in group["rules"]
        for selection in selections(rule["expr"])
        for breaks, problem in _of_selection(selection, context)
        if not (selection.function in EXACT and breaks in OF_RATES)
    ]


def _uniqueness(pages: Sequence[Json]) -> Iterator[Finding]:
    for key in ("uid", "title"):
        for value in _twice(page[key] for page in pages):
            yield Finding(value, f"unique-{key}", f"two pages have this {key}")


def _twice(values: Iterable[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


def _uid(page: Json) -> Iterator[str]:
    if not UID.fullmatch(page["uid"]):
        yield "a uid has at most 40 letters, digits, - and _"


def _ids(page: Json) -> Iterator[str]:
    for title in _twice(panel["title"] for panel in page["panels"]):
        yield f"two panels are called {title!r}"
    if _twice(panel["id"] for panel in page["panels"]):
        yield "two panels have one id; rename one of them"


def _grid(page: Json) -> Iterator[str]:
    """No panels overlap, none exceeds the grid, and they are in reading order."""
    taken: set[tuple[int, int]] = set()
    order = []
    for panel in page["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        if taken & cells:
            yield f"{panel['title']!r} overlaps another panel"
        if at["x"] + at["w"] > COLUMNS:
            yield f"{panel['title']!r} exceeds the grid"
        taken |= cells
        order.append((at["y"], at["x"]))
    if order != sorted(order):
        yield "panels are not in reading order"


def _variables(page: Json) -> Iterator[str]:
    defined = {variable["name"] for variable in page["templating"]["list"]}
    texts = [question.expr for question in queries_of(page)]
    texts += [target["expr"] for panel in log_panels_of(page) for target in panel["targets"]]
    used = set().union(*map(variables_in, [*texts, *(variable["query"] for variable in _queried(page))]))
    own = {name for name in used if not name.startswith("__")}
    for name in sorted(own - defined):
        yield f"${name} is used and not defined"
    for name in sorted(defined - own - {"datasource"}):
        yield f"${name} is defined and not used"


def _datasource_variable(page: Json) -> Iterator[str]:
    sources = [variable for variable in page["templating"]["list"] if variable["type"] == "datasource"]
    if [(source["name"], source["label"]) for source in sources] != [("datasource", "Data source")]:
        yield "there is one variable of type datasource: `datasource`, labelled `Data source`"


def _reload(page: Json) -> Iterator[str]:
    yield from (
        f"${variable['name']} is not refreshed with the time range"
        for variable in _queried(page)
        if variable["refresh"] != 2
    )


def _queried(page: Json) -> list[Json]:
    return [variable for variable in page["templating"]["list"] if variable["type"] == "query"]


def _variable_queries(page: Json) -> Iterator[str]:
    tops = {top.variable for top in top_selections_of(page)}  # whose PromQL is checked with that of the lines
    for variable in _queried(page):
        if match := QUERY.fullmatch(variable["query"]):
            yield from _problem_of(match["metric"])
        elif variable["name"] not in tops:
            yield f"${variable['name']}: neither label_values(selector, label) nor query_result(expr) of one label"


def _problem_of(expr: str) -> Iterator[str]:
    values = dict.fromkeys(variables_in(expr), ANY)
    try:
        selections(substitute(expr, values))
    except ValueError as err:
        yield str(err)


def _uneditable(page: Json) -> Iterator[str]:
    if page["editable"]:
        yield "a generated dashboard must not be editable"


def _references(panel: Json) -> Iterator[str]:
    if any(element["datasource"] != DATASOURCE for element in (panel, *panel["targets"])):
        yield "the data source is not ${datasource}"


def _titles(panel: Json) -> Iterator[str]:
    yield from (f"no {key}" for key in ("title", "description") if not panel.get(key))


def _unit(panel: Json) -> Iterator[str]:
    if not panel["fieldConfig"]["defaults"].get("unit"):
        yield "no unit"


def _targets(panel: Json) -> Iterator[str]:
    if not panel["targets"]:
        yield "no query"


def _steps(panel: Json) -> Iterator[str]:
    config = panel["fieldConfig"]
    tables = [config["defaults"]["thresholds"]]
    tables += [
        item["value"] for over in config["overrides"] for item in over["properties"] if item["id"] == "thresholds"
    ]
    for table in tables:
        first, *rest = [step["value"] for step in table["steps"]]
        if first is not None or rest != sorted(rest):
            yield "thresholds start at null and rise"


def _empty_state(panel: Json) -> Iterator[str]:
    if not panel["fieldConfig"]["defaults"].get("noValue"):
        yield "no text for an empty panel"


def _too_many_lines(panel: Json) -> Iterator[str]:
    for target in panel["targets"]:
        for label in MANY & _line_labels(panel, target):
            if not re.search(rf'\b(topk|bottomk)\(|=~"\$top_|\b{label}="\$', target["expr"]):
                yield f"{target['refId']}: unlimited number of {label}s; see dashboards.top_n"


def _line_labels(panel: Json, target: Json) -> set[str]:
    """Labels by which the lines or the rows of a query differ."""
    if panel["type"] == "table":
        return set(panel["transformations"][-1]["options"]["renameByName"])
    return set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))


PAGE_RULES: Mapping[str, Callable[[Json], Iterator[str]]] = {
    "uid": _uid,
    "panel-ids": _ids,
    "grid": _grid,
    "variables": _variables,
    "template-datasource-rule": _datasource_variable,
    "template-on-time-change-reload-rule": _reload,
    "template-label-promql-rule": _variable_queries,
    "uneditable-dashboard": _uneditable,
    **grafana_rules.EACH_PAGE,
}
PANEL_RULES: Mapping[str, Callable[[Json], Iterator[str]]] = {
    "panel-datasource-rule": _references,
    "panel-title-description-rule": _titles,
    "panel-units-rule": _unit,
    "panel-no-targets-rule": _targets,
    "too-many-lines": _too_many_lines,
    "thresholds": _steps,
    "empty-state": _empty_state,
    **grafana_rules.EACH_PANEL,
}


def _of_question(question: PanelQuery, page: Json, context: CheckContext) -> Iterator[Finding]:
    least = seconds_of(question.min_step) if question.min_step else context.interval
    values = dict.fromkeys(variables_in(question.expr), ANY)
    values |= windows(least, least, seconds_of(page["time"]["from"]))
    exprs = [question.expr, *(top.expr for top in question.tops)]
    try:
        found = [selection for expr in exprs for selection in selections(substitute(expr, values))]
    except ValueError as err:
        yield Finding(str(question), "target-promql-rule", str(err))
        return
    for selection in found:
        for rule, problem in _of_selection(selection, context):
            yield Finding(str(question), rule, problem)
    if re.search(r"\bi?rate\([^\[]*\[(?!\$__rate_interval\])", question.expr):
        yield Finding(str(question), "target-rate-interval-rule", "a rate's window is $__rate_interval")


def _of_selection(selection: Selection, context: CheckContext) -> Iterator[tuple[str, str]]:
    adjacent = selection.function == "sum_over_time" and ":increase" in selection.name  # exact over any window
    for rule, problem in problems_of(selection, context.known, context.periods):
        if not (adjacent and rule == "window"):
            yield rule, problem
    family = context.known.get(selection.name)
    if family is None:
        return
    if family.counter and selection.function not in COUNTING:
        yield "target-counter-agg-rule", f"the counter {selection.name} is not under rate or increase"
    if not family.counter and selection.function in COUNTING:
        yield "gauge-rate", f"{selection.name} is no counter"
