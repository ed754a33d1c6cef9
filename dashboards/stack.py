"""Stack Health: may what the other pages show be believed?"""

from typing import Any

from grafanalib.core import Dashboard

from dashboards.layout import Line, Section
from dashboards.page import chosen, page
from dashboards.shared import count_of
from dashboards.style import (
    ANY_IS_CRITICAL,
    ANY_IS_WARNING,
    MEDIUM,
    TALL,
    TILE,
    UP_WORDS,
    Colour,
    House,
    Unit,
    falling,
    graph,
    query,
    rising,
    stat,
    timeline,
)
from dashboards.tables import Label, Value, table

SOURCE = 'source=~"$source"'
OUTCOME_COLOURS = {"ok": Colour.GOOD, "failed": Colour.CRITICAL}


def dashboard(house: House) -> Dashboard:
    """The page of the programs that watch."""
    return page(
        house,
        uid="stack-health",
        title="Stack Health",
        description="Whether exporters, Prometheus, Alertmanager and the receiver see, judge and act as they should.",
        since="now-3h",
        variables=(chosen("source", "Source", "label_values(nervesys_exporter_up, source)"),),
        sections=(
            Section("", (Line(TILE, _tiles(house)), Line(MEDIUM, _up()))),
            Section("Exporters", (Line(TALL, (_areas(),)), Line(MEDIUM, _requests()), Line(MEDIUM, _sizes(house)))),
            Section("Prometheus and Alertmanager", (Line(MEDIUM, _prometheus()), Line(MEDIUM, _alertmanager()))),
            Section("Processes", (Line(MEDIUM, _processes()),)),
        ),
    )


def _tiles(house: House) -> tuple[Any, ...]:
    limits = house.settings.thresholds
    return (
        stat(
            "Targets down",
            "How many programs does Prometheus fail to scrape?",
            Unit.COUNT,
            query(count_of("up == 0")),
            steps=ANY_IS_CRITICAL,
        ),
        stat(
            "Areas failing",
            "How many areas could not be read at their last refresh?",
            Unit.COUNT,
            query(count_of("nervesys_exporter_up == 0")),
            steps=ANY_IS_CRITICAL,
        ),
        stat(
            "Oldest snapshot",
            "How old is the data of the area that was refreshed longest ago?",
            Unit.SECONDS,
            query("max(time() - nervesys_exporter_last_success_timestamp_seconds)"),
        ),
        stat(
            "Objects rejected",
            "How many objects broke the contract in the time range?",
            Unit.COUNT,
            query("sum(increase(nervesys_exporter_rejected_objects_total[$__range])) or vector(0)"),
            steps=ANY_IS_WARNING,
        ),
        stat(
            "Store's clock",
            "How far is the store's clock from the exporter's? Too far, and no agent is called down.",
            Unit.SECONDS,
            query("max(abs(nervesys_store_clock_offset_seconds))"),
            steps=rising(limits.store_clock_offset_seconds / 2, limits.store_clock_offset_seconds),
        ),
        stat(
            "GitHub quota left",
            "Which share of the requests to GitHub's API is left?",
            Unit.RATIO,
            query("min(nervesys_github_rate_limit_remaining_requests / nervesys_github_rate_limit_requests)"),
            steps=falling(limits.rate_limit_percent / 100, 2 * limits.rate_limit_percent / 100),
            empty="not on GitHub",
        ),
        stat(
            "Notifications failed",
            "How many notifications could Alertmanager not deliver in the time range?",
            Unit.COUNT,
            query("sum(increase(alertmanager_notifications_failed_total[$__range])) or vector(0)"),
            steps=ANY_IS_CRITICAL,
        ),
        stat(
            "Rules failed",
            "How often could Prometheus not evaluate a rule in the time range?",
            Unit.COUNT,
            query("sum(increase(prometheus_rule_evaluation_failures_total[$__range])) or vector(0)"),
            steps=ANY_IS_CRITICAL,
        ),
    )


def _up() -> tuple[Any, ...]:
    return (
        timeline(
            "Programs up",
            "Which program could not be scraped, and when?",
            query("min by (job) (up)", "{{job}}"),
            words=UP_WORDS,
        ),
        timeline(
            "Areas read",
            "Which area could not be read, and when?",
            query(f"min by (source, area) (nervesys_exporter_up{{{SOURCE}}})", "{{source}}: {{area}}"),
            words=UP_WORDS,
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
        Label("source", "Source"),
        Label("area", "Area"),
        Value("State", of_area("up"), words=UP_WORDS),
        Value("Last success", since("last_success"), Unit.AGO),
        Value("Unbroken since", since("unbroken_since"), Unit.AGO),
        Value("Refresh takes", of_area("refresh_duration_seconds"), Unit.SECONDS),
        Value("Backlog", of_area("backlog_objects"), Unit.COUNT, ANY_IS_WARNING),
        sort="Source",
        rising=True,
        empty="No exporter is scraped",
    )


def _requests() -> tuple[Any, ...]:
    return (
        graph(
            "Duration of refreshes",
            "Does a refresh take longer than it used to?",
            Unit.SECONDS,
            query(
                f"max by (source, area) (nervesys_exporter_refresh_duration_seconds{{{SOURCE}}})",
                "{{source}}: {{area}}",
            ),
        ),
        graph(
            "Requests to the sources",
            "What do the exporters ask of the pillars, and how much of it?",
            Unit.PER_SECOND,
            query(
                f"sum by (source, operation) (rate(nervesys_exporter_requests_total{{{SOURCE}}}[$__rate_interval]))",
                "{{source}}: {{operation}}",
            ),
        ),
        graph(
            "Requests by outcome",
            "How many requests fail?",
            Unit.PER_SECOND,
            query(
                f"sum by (outcome) (rate(nervesys_exporter_requests_total{{{SOURCE}}}[$__rate_interval]))",
                "{{outcome}}",
            ),
            colours=OUTCOME_COLOURS,
            stacked=True,
        ),
    )


def _sizes(house: House) -> tuple[Any, ...]:
    most = house.settings.thresholds.series
    return (
        graph(
            "Objects rejected by reason",
            "What is wrong with objects that were skipped?",
            Unit.COUNT,
            query(
                "sum by (source, reason) "
                f"(increase(nervesys_exporter_rejected_objects_total{{{SOURCE}}}[$__rate_interval])) > 0",
                "{{source}}: {{reason}}",
            ),
            stacked=True,
            empty="Nothing was rejected",
        ),
        graph(
            "Backlog",
            "How much is known of and not read yet?",
            Unit.COUNT,
            query(f"max by (source, area) (nervesys_exporter_backlog_objects{{{SOURCE}}})", "{{source}}: {{area}}"),
        ),
        graph(
            "Series served",
            "Does an exporter serve more series than Prometheus should hold? Dashed: the threshold.",
            Unit.COUNT,
            query(f"max by (source) (nervesys_exporter_series{{{SOURCE}}})", "{{source}}"),
            steps=((None, Colour.GOOD), (most, Colour.WARNING)),
        ),
    )


def _prometheus() -> tuple[Any, ...]:
    return (
        graph(
            "Series in Prometheus",
            "How much does Prometheus hold in memory?",
            Unit.COUNT,
            query("max(prometheus_tsdb_head_series)", "series"),
        ),
        graph(
            "Samples ingested",
            "How much does Prometheus take in?",
            Unit.PER_SECOND,
            query("sum(rate(prometheus_tsdb_head_samples_appended_total[$__rate_interval]))", "samples"),
        ),
        graph(
            "Duration of scrapes",
            "Does a scrape come near its time limit?",
            Unit.SECONDS,
            query("max by (job) (scrape_duration_seconds)", "{{job}}"),
        ),
    )


def _alertmanager() -> tuple[Any, ...]:
    return (
        graph(
            "Evaluation of rules",
            "Does a group of rules take longer than its interval?",
            Unit.SECONDS,
            query(
                "max by (group) "
                '(label_replace(prometheus_rule_group_last_duration_seconds, "group", "$1", "rule_group", ".*;(.*)"))',
                "{{group}}",
            ),
        ),
        graph(
            "Alerts in Alertmanager",
            "How many alerts does Alertmanager hold, and how many are silenced?",
            Unit.COUNT,
            query("sum by (state) (alertmanager_alerts)", "{{state}}"),
        ),
        graph(
            "Notifications",
            "Do people and the receiver hear of alerts?",
            Unit.PER_MINUTE,
            query("60 * sum(rate(alertmanager_notifications_total[$__rate_interval]))", "sent"),
            query("60 * sum(rate(alertmanager_notifications_failed_total[$__rate_interval]))", "failed"),
            colours={"failed": Colour.CRITICAL, "sent": Colour.GOOD},
        ),
    )


def _processes() -> tuple[Any, ...]:
    return (
        graph(
            "CPU of the programs",
            "Which program is busy?",
            Unit.RATIO,
            query("sum by (job) (rate(process_cpu_seconds_total[$__rate_interval]))", "{{job}}"),
        ),
        graph(
            "Memory of the programs",
            "Which program grows?",
            Unit.BYTES,
            query("sum by (job) (process_resident_memory_bytes)", "{{job}}"),
        ),
        table(
            "Versions",
            "Do all programs run the same version?",
            Label("program", "Program"),
            Label("version", "Version"),
            Value("Processes", query("count by (program, version) (nervesys_build_info)"), Unit.COUNT),
            sort="Program",
            rising=True,
        ),
    )
