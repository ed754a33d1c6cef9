"""Storage & Retention: how much data is where, is it recent, and is retention enforced?"""

from typing import Any

from grafanalib.core import Dashboard

from dashboards.layout import PageSection, PanelRow
from dashboards.page import page
from dashboards.style import (
    ANY_IS_WARNING,
    MEDIUM,
    PLAIN,
    TILE,
    Colour,
    PageContext,
    PanelUnit,
    Steps,
    bars,
    falling_steps,
    graph,
    mapping,
    query,
    rising_steps,
    stat,
)
from dashboards.tables import LabelColumn, ValueColumn, table
from dashboards.top_n import LINES
from nervesys.contract.times import DAY_SECONDS

HOUR_SECONDS = 3600
USED, LIMIT = (f'nervesys_archive_quota_bytes{{kind="{kind}"}}' for kind in ("used", "limit"))
FOREVER_SECONDS = 5 * 365 * int(DAY_SECONDS)
"""Longest forecast to show."""
NOT_YET = -1
"""Value of a forecast that is not known yet."""
GROWTH_WINDOW = "7d"
FORECAST = "From the growth of the last 7 days; known after a day."
NO_QUOTA = "The archive has no quota"
QUOTA_STEPS = rising_steps(0.8, 0.95)


def dashboard(context: PageContext) -> Dashboard:
    """The page of the store and of the archive."""
    return page(
        context,
        uid="storage-retention",
        title="Storage & Retention",
        description="How much data the store and the archive hold, whether it is recent, and what is overdue.",
        since="now-7d",
        sections=(
            PageSection("", (PanelRow(TILE, _tiles(context)),)),
            PageSection(
                "Store",
                (PanelRow(MEDIUM, (_areas("store", "objects", "object"), *_growth("store", "objects")), (12, 6, 6)),),
            ),
            PageSection(
                "Archive",
                (PanelRow(MEDIUM, (_areas("archive", "files", "file"), *_growth("archive", "files")), (12, 6, 6)),),
            ),
            PageSection("Gaps and limits", (PanelRow(MEDIUM, _limits()), PanelRow(TILE, _forecast()))),
        ),
    )


def _tiles(context: PageContext) -> tuple[Any, ...]:
    limits = context.settings.thresholds
    late = limits.backup_late_hours * HOUR_SECONDS
    backup, logs = rising_steps(late * 0.95, late), rising_steps(limits.logs_late_seconds / 2, limits.logs_late_seconds)
    return (
        stat(
            "In the store",
            "How much data is in the store?",
            PanelUnit.BYTES,
            query("sum(max by (area) (nervesys_store_bytes))"),
        ),
        stat(
            "In the archive",
            "How much data is in the archive?",
            PanelUnit.BYTES,
            query("sum(max by (area) (nervesys_archive_bytes))"),
        ),
        _overdue("store", "objects"),
        _overdue("archive", "files"),
        _newest(
            "Newest logs",
            "When were logs last shipped to the store?",
            "store",
            "object",
            "active_logs",
            logs,
        ),
        _newest(
            "Config backup",
            "How old is the newest backup of the configuration?",
            "store",
            "object",
            "config_backups",
            backup,
        ),
        _newest(
            "Full backup", "How old is the newest full backup in the archive?", "archive", "file", "backups", backup
        ),
        stat(
            "Days missing",
            "How many days of logs are missing in the archive, over all servers?",
            PanelUnit.COUNT,
            query("sum(max by (server) (nervesys_archive_missing_log_days)) or vector(0)"),
            steps=ANY_IS_WARNING,
        ),
    )


def _overdue(source: str, things: str) -> Any:
    return stat(
        f"Overdue in the {source}",
        f"How many {things} are kept longer than the retention table allows?",
        PanelUnit.COUNT,
        query(f"sum(max by (area) (nervesys_{source}_overdue_{things})) or vector(0)"),
        steps=ANY_IS_WARNING,
    )


def _newest(title: str, question: str, source: str, thing: str, area: str, steps: Steps = PLAIN) -> Any:
    return stat(
        title,
        question,
        PanelUnit.SECONDS,
        query(f'time() - max(nervesys_{source}_newest_{thing}_timestamp_seconds{{area="{area}"}})'),
        steps=steps,
        empty="none yet",
    )


def _areas(source: str, things: str, thing: str) -> Any:
    def of_area(family: str) -> Any:
        return query(f"max by (area) (nervesys_{source}_{family})")

    return table(
        f"Areas of the {source}",
        f"How much data is in each area of the {source}, is it recent, and is anything past its retention?",
        LabelColumn("area", "Area"),
        ValueColumn(things.capitalize(), of_area(things), PanelUnit.COUNT),
        ValueColumn("Size", of_area("bytes"), PanelUnit.BYTES),
        ValueColumn("Growth a day", query(_growth_a_day(source)), PanelUnit.BYTES),
        ValueColumn(
            "Newest", query(f"1000 * max by (area) (nervesys_{source}_newest_{thing}_timestamp_seconds)"), PanelUnit.AGO
        ),
        ValueColumn("Overdue", of_area(f"overdue_{things}"), PanelUnit.COUNT, ANY_IS_WARNING),
        sort="Size",
        empty=f"The {source} was not read yet",
    )


def _growth_a_day(source: str) -> str:
    """Bytes that each area grows by in a day, known after a day: that of a new store is only its first copy."""
    size = f"nervesys_{source}_bytes"
    return f"{DAY_SECONDS:g} * max by (area) (deriv({size}[{GROWTH_WINDOW}]) and last_over_time({size}[1d] offset 1d))"


def _growth(source: str, things: str) -> tuple[Any, ...]:
    return (
        graph(
            f"Size of the {source}",
            "Which area grows, and how fast?",
            PanelUnit.BYTES,
            query(f"max by (area) (nervesys_{source}_bytes)", "{{area}}"),
            stacked=True,
            many=True,
        ),
        graph(
            f"Number of {things} in the {source}",
            "Does retention keep up with what arrives?",
            PanelUnit.COUNT,
            query(f"max by (area) (nervesys_{source}_{things})", "{{area}}"),
            stacked=True,
            many=True,
        ),
    )


def _forecast() -> tuple[Any, ...]:
    """From the growth of the archive itself: its quota may be a disk, which others fill too."""
    growth = f"sum({_growth_a_day('archive')})"
    not_yet = f"or {NOT_YET} * (max({LIMIT}) > bool 0)"
    unknown = (NOT_YET, "not known yet", Colour.NEUTRAL)
    return (
        stat(
            "Free in the archive",
            "How much space is left in the archive's quota?",
            PanelUnit.BYTES,
            query(f"max({LIMIT}) - max({USED})"),
            empty=NO_QUOTA,
        ),
        stat(
            "Growth of the archive a day",
            f"How much does the archive grow a day? {FORECAST}",
            PanelUnit.BYTES,
            query(growth),
            empty="not known yet",
        ),
        stat(
            "Quota in use in 30 days",
            f"How full will the archive be in 30 days at the current growth? {FORECAST}",
            PanelUnit.RATIO,
            query(f"clamp_min((max({USED}) + 30 * {growth}) / max({LIMIT}), 0) {not_yet}"),
            steps=QUOTA_STEPS,
            mappings=mapping(unknown),
            empty=NO_QUOTA,
        ),
        stat(
            "Full in",
            f"When will the archive be full at the current growth? {FORECAST}",
            PanelUnit.SECONDS,
            query(
                f"clamp_max({DAY_SECONDS:g} * clamp_min(max({LIMIT}) - max({USED}), 0) / clamp_min({growth}, 1), "
                f"{FOREVER_SECONDS:.0f}) {not_yet}"
            ),
            steps=falling_steps(7 * DAY_SECONDS, 30 * DAY_SECONDS),
            mappings=mapping((FOREVER_SECONDS, "years", Colour.GOOD), unknown),
            empty=NO_QUOTA,
        ),
    )


def _limits() -> tuple[Any, ...]:
    return (
        bars(
            "Days of logs missing in the archive",
            f"Which servers have days of logs that were never archived? The {LINES} with the most.",
            PanelUnit.COUNT,
            query(f"topk({LINES}, max by (server) (nervesys_archive_missing_log_days))", "{{server}}"),
            steps=ANY_IS_WARNING,
            empty="No server has archived logs yet",
        ),
        graph(
            "Quota of the archive in use",
            "How much of the archive's quota is in use?",
            PanelUnit.RATIO,
            query(f"max({USED}) / max({LIMIT})", "in use"),
            steps=QUOTA_STEPS,
            top=1,
            empty=NO_QUOTA,
        ),
        graph(
            "Past retention",
            "Is anything kept longer than its retention?",
            PanelUnit.COUNT,
            query("max by (area) (nervesys_store_overdue_objects)", "store: {{area}}"),
            query("max by (area) (nervesys_archive_overdue_files)", "archive: {{area}}"),
            many=True,
        ),
    )
