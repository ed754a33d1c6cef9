"""Stack Health: can the other pages be trusted?"""

from typing import Any

from grafanalib.core import Dashboard

from dashboards.layout import PageSection, PanelRow
from dashboards.page import page, query_variable
from dashboards.shared import count_of, whole
from dashboards.style import (
    ANY_IS_CRITICAL,
    ANY_IS_WARNING,
    MEDIUM,
    TALL,
    TILE,
    UP_MAPPINGS,
    Colour,
    PageContext,
    PanelUnit,
    falling_steps,
    graph,
    query,
    rising_steps,
    stat,
    timeline,
)
from dashboards.tables import LabelColumn, ValueColumn, table

SOURCE = 'source=~"$source"'
OUTCOME_COLOURS = {"ok": Colour.GOOD, "failed": Colour.CRITICAL}


def dashboard(context: PageContext) -> Dashboard:
    """The page of the monitoring programs."""
    return page(
        context,
        uid="stack-health",
        title="Stack Health",
        description="Whether exporters, Prometheus, Alertmanager and the receiver work.",
        since="now-3h",
        variables=(query_variable("source", "Source", "label_values(nervesys_exporter_up, source)"),),
        sections=(
            PageSection("", (PanelRow(TILE, _tiles(context)), PanelRow(MEDIUM, _up()))),
            PageSection(
                "Exporters",
                (PanelRow(TALL, (_areas(),)), PanelRow(MEDIUM, _requests()), PanelRow(MEDIUM, _sizes(context))),
            ),
            PageSection(
                "Prometheus and Alertmanager", (PanelRow(MEDIUM, _prometheus()), PanelRow(MEDIUM, _alertmanager()))
            ),
            PageSection("Processes", (PanelRow(MEDIUM, _processes()),)),
        ),
    )


def _tiles(context: PageContext) -> tuple[Any, ...]:
    limits = context.settings.thresholds
    return (
        stat(
            "Targets down",
            "How many targets can Prometheus not scrape?",
            PanelUnit.COUNT,
            query(count_of("up == 0")),
            steps=ANY_IS_CRITICAL,
        ),
        stat(
            "Areas failing",
            "How many areas could not be read at their last refresh?",
            PanelUnit.COUNT,
            query(count_of("nervesys_exporter_up == 0")),
            steps=ANY_IS_CRITICAL,
        ),
        stat(
            "Oldest snapshot",
            "How old is the data of the area that was refreshed longest ago?",
            PanelUnit.SECONDS,
            query("max(time() - nervesys_exporter_last_success_timestamp_seconds)"),
        ),
        stat(
            "Objects rejected",
            "How many invalid objects were rejected in the time range?",
            PanelUnit.COUNT,
            _times("nervesys_exporter_rejected_objects_total"),
            steps=ANY_IS_WARNING,
        ),
        stat(
            "Store's clock",
            "How far is the store's clock from the exporter's? Beyond the threshold, no agent is reported as down.",
            PanelUnit.SECONDS,
            query("max(abs(nervesys_store_clock_offset_seconds))"),
            steps=rising_steps(limits.store_clock_offset_seconds / 2, limits.store_clock_offset_seconds),
        ),
        stat(
            "GitHub quota left",
            "Which share of the requests to GitHub's API is left?",
            PanelUnit.RATIO,
            query("min(nervesys_github_rate_limit_remaining_requests / nervesys_github_rate_limit_requests)"),
            steps=falling_steps(limits.rate_limit_percent / 100, 2 * limits.rate_limit_percent / 100),
            empty="not on GitHub",
        ),
        stat(
            "Notifications failed",
            "How many notifications could Alertmanager not deliver in the time range?",
            PanelUnit.COUNT,
            _times("alertmanager_notifications_failed_total"),
            steps=ANY_IS_CRITICAL,
        ),
        stat(
            "Rules failed",
            "How often could Prometheus not evaluate a rule in the time range?",
            PanelUnit.COUNT,
            _times("prometheus_rule_evaluation_failures_total"),
            steps=ANY_IS_CRITICAL,
        ),
    )


def _times(counter: str) -> Any:
    return query(f"{whole(f'sum(increase({counter}[$__range]))')} or vector(0)")


def _up() -> tuple[Any, ...]:
    return (
        timeline(
            "Programs up",
            "Which targets could not be scraped, and when?",
            query("min by (job) (up)", "{{job}}"),
            mappings=UP_MAPPINGS,
        ),
        timeline(
            "Areas read",
            "Which area could not be read, and when?",
            query(f"min by (source, area) (nervesys_exporter_up{{{SOURCE}}})", "{{source}}: {{area}}"),
            mappings=UP_MAPPINGS,
        ),
    )


def _areas() -> Any:
    def of_area(family: str) -> Any:
        return query(f"max by (source, area) (nervesys_exporter_{family}{{{SOURCE}}})")

    def since(family: str) -> Any:
        return query(f"1000 * max by (source, area) (nervesys_exporter_{family}_timestamp_seconds{{{SOURCE}}})")

    return table(
        "Refreshes",
        "Is each area read, how long does it take, and how much is still to be read?",
        LabelColumn("source", "Source"),
        LabelColumn("area", "Area"),
        ValueColumn("State", of_area("up"), mappings=UP_MAPPINGS),
        ValueColumn("Last success", since("last_success"), PanelUnit.AGO),
        ValueColumn("Unbroken since", since("unbroken_since"), PanelUnit.AGO),
        ValueColumn("Refresh takes", of_area("refresh_duration_seconds"), PanelUnit.SECONDS),
        ValueColumn("Backlog", of_area("backlog_objects"), PanelUnit.COUNT, ANY_IS_WARNING),
        sort="Source",
        ascending=True,
        empty="No data from exporters",
    )


def _requests() -> tuple[Any, ...]:
    return (
        graph(
            "Duration of refreshes",
            "Does a refresh take longer than it used to?",
            PanelUnit.SECONDS,
            query(
                f"max by (source, area) (nervesys_exporter_refresh_duration_seconds{{{SOURCE}}})",
                "{{source}}: {{area}}",
            ),
            many=True,
        ),
        graph(
            "Requests to the sources",
            "Which requests do the exporters send to their sources, and how many?",
            PanelUnit.PER_SECOND,
            query(
                f"sum by (source, operation) (rate(nervesys_exporter_requests_total{{{SOURCE}}}[$__rate_interval]))",
                "{{source}}: {{operation}}",
            ),
            many=True,
        ),
        graph(
            "Requests by outcome",
            "How many requests fail?",
            PanelUnit.PER_SECOND,
            query(
                f"sum by (outcome) (rate(nervesys_exporter_requests_total{{{SOURCE}}}[$__rate_interval]))",
                "{{outcome}}",
            ),
            colours=OUTCOME_COLOURS,
            stacked=True,
        ),
    )


def _sizes(context: PageContext) -> tuple[Any, ...]:
    most = context.settings.thresholds.series
    return (
        graph(
            "Objects rejected by reason",
            "What is wrong with objects that were skipped?",
            PanelUnit.COUNT,
            query(
                "round(sum by (source, reason) "
                f"(increase(nervesys_exporter_rejected_objects_total{{{SOURCE}}}[$__rate_interval]))) > 0",
                "{{source}}: {{reason}}",
            ),
            stacked=True,
            empty="No objects were rejected",
            many=True,
        ),
        graph(
            "Backlog",
            "How many objects are listed but not read yet?",
            PanelUnit.COUNT,
            query(f"max by (source, area) (nervesys_exporter_backlog_objects{{{SOURCE}}})", "{{source}}: {{area}}"),
            many=True,
        ),
        graph(
            "Series served",
            "Does an exporter serve too many series? Dashed: the threshold.",
            PanelUnit.COUNT,
            query(f"max by (source) (nervesys_exporter_series{{{SOURCE}}})", "{{source}}"),
            steps=((None, Colour.GOOD), (most, Colour.WARNING)),
        ),
    )


def _prometheus() -> tuple[Any, ...]:
    return (
        graph(
            "Series in Prometheus",
            "How many series does Prometheus hold in memory?",
            PanelUnit.COUNT,
            query("max(prometheus_tsdb_head_series)", "series"),
        ),
        graph(
            "Samples ingested",
            "How many samples does Prometheus ingest?",
            PanelUnit.PER_SECOND,
            query("sum(rate(prometheus_tsdb_head_samples_appended_total[$__rate_interval]))", "samples"),
        ),
        graph(
            "Duration of scrapes",
            "Do scrapes come close to their timeout?",
            PanelUnit.SECONDS,
            query("max by (job) (scrape_duration_seconds)", "{{job}}"),
            many=True,
        ),
    )


def _alertmanager() -> tuple[Any, ...]:
    return (
        graph(
            "Evaluation of rules",
            "Does a group of rules take longer than its interval?",
            PanelUnit.SECONDS,
            query(
                "max by (group) "
                '(label_replace(prometheus_rule_group_last_duration_seconds, "group", "$1", "rule_group", ".*;(.*)"))',
                "{{group}}",
            ),
            many=True,
        ),
        graph(
            "Alerts in Alertmanager",
            "How many alerts does Alertmanager hold, and how many are silenced?",
            PanelUnit.COUNT,
            query("sum by (state) (alertmanager_alerts)", "{{state}}"),
        ),
        graph(
            "Notifications",
            "Are notifications delivered?",
            PanelUnit.PER_MINUTE,
            query("60 * sum(rate(alertmanager_notifications_total[$__rate_interval]))", "sent"),
            query("60 * sum(rate(alertmanager_notifications_failed_total[$__rate_interval]))", "failed"),
            colours={"failed": Colour.CRITICAL, "sent": Colour.GOOD},
        ),
    )


def _processes() -> tuple[Any, ...]:
    return (
        graph(
            "CPU of the programs",
            "How much CPU does each program use?",
            PanelUnit.RATIO,
            query("sum by (job) (rate(process_cpu_seconds_total[$__rate_interval]))", "{{job}}"),
            many=True,
        ),
        graph(
            "Memory of the programs",
            "How much memory does each program use?",
            PanelUnit.BYTES,
            query("sum by (job) (process_resident_memory_bytes)", "{{job}}"),
            many=True,
        ),
        table(
            "Versions",
            "Do all programs run the same version?",
            LabelColumn("program", "Program"),
            LabelColumn("version", "Version"),
            ValueColumn("Processes", query("count by (program, version) (nervesys_build_info)"), PanelUnit.COUNT),
            sort="Program",
            ascending=True,
        ),
    )
