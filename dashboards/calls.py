"""Calls: which model and which tool is slow or fails, and how many tokens go where?"""

from collections.abc import Callable
from functools import partial
from typing import Any

from grafanalib.core import Dashboard

from dashboards.layout import PageSection, PanelRow
from dashboards.page import page
from dashboards.shared import quantile
from dashboards.style import (
    AGENT_CELL,
    ANY_IS_WARNING,
    MEDIUM,
    SHORT,
    TILE,
    PageContext,
    PanelUnit,
    graph,
    link,
    query,
    rising_steps,
    stat,
)
from dashboards.tables import LabelColumn, ValueColumn, table
from dashboards.top_n import NOW, WHOLE, TopLines, top_graph

CALLS, DURATIONS = "nervesys_gen_ai_operation_duration_seconds_count", "nervesys_gen_ai_operation_duration_seconds"
ERRORS, TOKENS = "nervesys_gen_ai_errors_total", "nervesys_gen_ai_tokens_total"
TOOL_CALLS, TOOL_DURATIONS = "nervesys_agent_tool_calls_total", "nervesys_agent_tool_duration_seconds"
MODELS = 'operation=~"chat|text_completion|generate_content|embeddings|other"'
"""Operations that call a model themselves."""
FAILED_TOOLS, RATE_LIMITED = 'outcome="failed"', 'error_type="rate_limited"'
INPUT, OUTPUT = 'type=~"input|cache_read"', 'type=~"output|reasoning"'
NO_CALLS, NO_TOOLS = "No agent has sent traces of model calls", "No agent has sent traces of tool calls"
NO_ERRORS = "No call failed in this time range"
FAILING, SLOW_SECONDS = rising_steps(0.01, 0.05), rising_steps(10, 30)


def dashboard(context: PageContext) -> Dashboard:
    """The page of all agents' calls."""
    return page(
        context,
        uid="calls",
        title="Calls",
        description="Calls of models and tools, from the OpenTelemetry that agents' programs emit.",
        sections=(
            PageSection("", (PanelRow(TILE, _tiles()),)),
            PageSection(
                "Models",
                (
                    PanelRow(MEDIUM, (_latency(context), _rate(context))),
                    PanelRow(MEDIUM, (_errors(context, ""), _tokens(context, ""))),
                    PanelRow(SHORT, (_models(),), (24,)),
                ),
            ),
            PageSection("Tools", (PanelRow(SHORT, (_tools(), _failing_tools(context)), (14, 10)),)),
            PageSection("Traces", (PanelRow(MEDIUM, (_slowest(context, ""),), (24,)),)),
        ),
    )


def of_agent(context: PageContext, matchers: str) -> tuple[tuple[Any, ...], ...]:
    """Two lines of panels about one agent's calls."""
    latency = graph(
        "Latency of its models",
        "How long do its calls take at the 95th percentile, by model?",
        PanelUnit.SECONDS,
        context.log_query(_quantile(0.95, NOW, "le, model", f"{matchers}, {MODELS}"), "{{model}}"),
        empty=NO_CALLS,
    )
    tools = graph(
        "Tool calls",
        "Which tools does it call, and how often?",
        PanelUnit.PER_MINUTE,
        context.log_query(f"60 * sum by (tool) (rate({TOOL_CALLS}{{{matchers}}}{NOW}))", "{{tool}}"),
        stacked=True,
        empty=NO_TOOLS,
    )
    return (latency, _errors(context, matchers), _tokens(context, matchers)), (tools, _slowest(context, matchers))


def _quantile(share: float, window: str, by: str = "le", matchers: str = MODELS, histogram: str = DURATIONS) -> str:
    """The time within which this share of calls ends."""
    grown = "rate" if window == NOW else "increase"
    return quantile(share, f"sum by ({by}) ({grown}({histogram}_bucket{{{matchers}}}{window}))")


def _sum(counter: str, by: str = "", matchers: str = "") -> str:
    """What was counted in the time range."""
    return f"sum{by} (increase({counter}{{{matchers}}}{WHOLE}))"


def _error_share(by: str = "", matchers: str = MODELS) -> str:
    """The share of calls that failed; 0 where none did, empty where there was no call."""
    calls = _sum(CALLS, by, matchers)
    return f"({_sum(ERRORS, by, matchers)} or 0 * {calls}) / ({calls} > 0)"


def _tiles() -> tuple[Any, ...]:
    tile = partial(stat, empty=NO_CALLS)
    return (
        tile(
            "Model calls",
            "How many calls of models ended?",
            PanelUnit.COUNT,
            query(f"round({_sum(CALLS, '', MODELS)})"),
        ),
        tile(
            "Failed calls",
            "Which share of calls of models failed?",
            PanelUnit.RATIO,
            query(_error_share()),
            steps=FAILING,
        ),
        tile(
            "Rate limited",
            "How many calls did providers refuse because there were too many?",
            PanelUnit.COUNT,
            query(f"round({_sum(ERRORS, matchers=RATE_LIMITED)} or 0 * {_sum(CALLS)})"),
            steps=ANY_IS_WARNING,
        ),
        tile(
            "Latency",
            "How long do calls of models take at the 95th percentile?",
            PanelUnit.SECONDS,
            query(_quantile(0.95, WHOLE)),
            steps=SLOW_SECONDS,
        ),
        tile("Input tokens", "How many tokens were sent?", PanelUnit.COUNT, query(f"round({_sum(TOKENS, '', INPUT)})")),
        tile(
            "Output tokens",
            "How many tokens were received?",
            PanelUnit.COUNT,
            query(f"round({_sum(TOKENS, '', OUTPUT)})"),
        ),
    )


def _by_model(lines: Callable[[str], str], rank: str) -> TopLines:
    return TopLines(lines, rank, "model")


def _latency(context: PageContext) -> Any:
    def of_models(window: str, top: str) -> str:
        return _quantile(0.95, window, "le, model", f"{top}, {MODELS}" if top else MODELS)

    return top_graph(
        "Latency by model",
        "How long do calls take at the 95th percentile?",
        PanelUnit.SECONDS,
        _by_model(partial(of_models, NOW), of_models(WHOLE, "")),
        which="the slowest",
        make_query=context.log_query,
        steps=SLOW_SECONDS,
        empty=NO_CALLS,
    )


def _rate(context: PageContext) -> Any:
    return top_graph(
        "Calls by model",
        "How often is each model called?",
        PanelUnit.PER_MINUTE,
        _by_model(
            lambda top: f"60 * sum by (model) (rate({CALLS}{{{top}, {MODELS}}}{NOW}))",
            _sum(CALLS, " by (model)", MODELS),
        ),
        make_query=context.log_query,
        empty=NO_CALLS,
    )


def _errors(context: PageContext, matchers: str) -> Any:
    return graph(
        "Errors by kind",
        "Why do calls of models fail?",
        PanelUnit.PER_MINUTE,
        context.log_query(f"60 * sum by (error_type) (rate({ERRORS}{{{matchers}}}{NOW}))", "{{error_type}}"),
        stacked=True,
        empty=NO_ERRORS,
    )


def _tokens(context: PageContext, matchers: str) -> Any:
    return graph(
        "Tokens by type",
        "How many tokens go in and out? Input is without what was read from a cache, output without reasoning.",
        PanelUnit.PER_MINUTE,
        context.log_query(f"60 * sum by (type) (rate({TOKENS}{{{matchers}}}{NOW}))", "{{type}}"),
        stacked=True,
        empty="No call reported tokens",
    )


def _models() -> Any:
    by = " by (model)"
    return table(
        "Model details",
        "Which model is slow or fails? All values are for the time range.",
        LabelColumn("model", "Model"),
        ValueColumn("Calls", query(f"round({_sum(CALLS, by, MODELS)})"), PanelUnit.COUNT),
        ValueColumn("Median", query(_quantile(0.5, WHOLE, "le, model")), PanelUnit.SECONDS),
        ValueColumn("95th percentile", query(_quantile(0.95, WHOLE, "le, model")), PanelUnit.SECONDS, SLOW_SECONDS),
        ValueColumn("Failed", query(_error_share(by)), PanelUnit.RATIO, FAILING),
        ValueColumn("Tokens in", query(f"round({_sum(TOKENS, by, INPUT)})"), PanelUnit.COUNT),
        ValueColumn("Tokens out", query(f"round({_sum(TOKENS, by, OUTPUT)})"), PanelUnit.COUNT),
        sort="Calls",
        empty=NO_CALLS,
    )


def _tools() -> Any:
    by = " by (tool)"
    calls = _sum(TOOL_CALLS, by)
    return table(
        "Tool details",
        "Which tool is slow or fails? All values are for the time range.",
        LabelColumn("tool", "Tool"),
        ValueColumn("Calls", query(f"round({calls})"), PanelUnit.COUNT),
        ValueColumn(
            "Failed",
            query(f"({_sum(TOOL_CALLS, by, FAILED_TOOLS)} or 0 * {calls}) / ({calls} > 0)"),
            PanelUnit.RATIO,
            FAILING,
        ),
        ValueColumn(
            "95th percentile",
            query(_quantile(0.95, WHOLE, "le, tool", "", TOOL_DURATIONS)),
            PanelUnit.SECONDS,
            SLOW_SECONDS,
        ),
        sort="Calls",
        empty=NO_TOOLS,
    )


def _failing_tools(context: PageContext) -> Any:
    return graph(
        "Failed tool calls",
        "Which tools fail, and how often?",
        PanelUnit.PER_MINUTE,
        context.log_query(f"60 * sum by (tool) (rate({TOOL_CALLS}{{{FAILED_TOOLS}}}{NOW}))", "{{tool}}"),
        stacked=True,
        empty="No call of a tool failed in this time range",
    )


def _slowest(context: PageContext, matchers: str) -> Any:
    page_url = context.settings.monitoring.own_page_url
    url = f"{page_url}/trace/${{__value.raw}}?agent=${{__data.fields.agent}}"
    return table(
        "Slowest traces",
        "Which traces that began within the last hour took the longest? A click draws its spans.",
        LabelColumn("agent", "Agent", links=(AGENT_CELL,)),
        LabelColumn("name", "Begins with"),
        LabelColumn("trace_id", "Trace", links=(link("Spans of ${__value.raw}", url),)),
        ValueColumn(
            "Duration",
            query(f"topk(20, max by (agent, name, trace_id) (nervesys_trace_slow_duration_seconds{{{matchers}}}))"),
            PanelUnit.SECONDS,
            SLOW_SECONDS,
        ),
        sort="Duration",
        empty="No trace began within the last hour",
    )
