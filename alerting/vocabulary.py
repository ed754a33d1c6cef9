"""What the words of conditions mean: one table for what can be compared, one for what can fail to come.

A word may be compared in several units: `buffer` in bytes and as a share of what the agent may buffer.
"""

from collections.abc import Mapping

from alerting.gates import AGENTS, ARCHIVE, GITHUB, LOGS, METRICS, SIZES
from alerting.terms import Age, Count, Level, Quiet, Term
from alerting.units import Unit

AGENT, SERVER, AREA, FLEET = ("agent",), ("server",), ("area",), ()

_STOPPED = 'on (agent) (nervesys_agent_status{status="stopped"} == 1)'
_BUFFER_LIMIT = (
    " / on (agent) group_left () max by (agent) (last_over_time(nervesys_brain_agent_buffer_limit_bytes[1h]))"
)

SILENCES: Mapping[str, tuple[Term, ...]] = {
    "heartbeat": (
        Age(
            "nervesys_agent_heartbeat_timestamp_seconds",
            AGENT,
            AGENTS,
            threshold=lambda t: t.heartbeat.down_after_seconds,
            narrowed=f"\nunless {_STOPPED}",
        ),
    ),
    "logs": (Quiet("nervesys_log_records_total", LOGS, threshold=lambda t: t.logs_late_seconds),),
    "config backup": (
        Age(
            'nervesys_store_newest_object_timestamp_seconds{area="config_backups"}',
            FLEET,
            SIZES,
            threshold=lambda t: t.backup_late_hours * 3600,
            must_exist=True,
        ),
    ),
    "full backup": (
        Age(
            'nervesys_archive_newest_file_timestamp_seconds{area="backups"}',
            FLEET,
            ARCHIVE,
            threshold=lambda t: t.backup_late_hours * 3600,
            must_exist=True,
        ),
    ),
}
"""What should keep coming: `no heartbeat > 5 minutes`."""

MEASURES: Mapping[str, tuple[Term, ...]] = {
    "cpu": (Level("nervesys_server_cpu_ratio", SERVER, Unit.RATIO, METRICS, lambda t: t.cpu),),
    "memory": (Level("nervesys_server_memory_ratio", SERVER, Unit.RATIO, METRICS, lambda t: t.memory),),
    "disk": (Level("nervesys_server_disk_ratio", SERVER, Unit.RATIO, METRICS, lambda t: t.disk),),
    "buffer": (
        Level("nervesys_agent_buffer_bytes", AGENT, Unit.RATIO, AGENTS, lambda t: t.buffer, per=_BUFFER_LIMIT),
        Level("nervesys_agent_buffer_bytes", AGENT, Unit.BYTES, AGENTS),
    ),
    "clock skew": (
        Level(
            "nervesys_agent_clock_skew_seconds",
            AGENT,
            Unit.SECONDS,
            AGENTS,
            lambda t: t.clock_skew_seconds,
            either_side=True,
        ),
    ),
    "store clock offset": (
        Level(
            "nervesys_store_clock_offset_seconds",
            FLEET,
            Unit.SECONDS,
            AGENTS,
            lambda t: t.store_clock_offset_seconds,
            either_side=True,
        ),
    ),
    "stopped": (
        Age(
            "nervesys_agent_heartbeat_timestamp_seconds",
            AGENT,
            AGENTS,
            threshold=lambda t: t.heartbeat.stopped_after_seconds,
            narrowed=f"\nand {_STOPPED}",
        ),
    ),
    "starts": (Count("nervesys_agent_start_timestamp_seconds", AGENT, AGENTS, function="changes"),),
    "errors": (Count('nervesys_log_records_total{level="ERROR"}', AGENT, LOGS),),
    "log records": (Count("nervesys_log_records_total", AGENT, LOGS),),
    "tokens": (Count("nervesys_agent_tokens_total", AGENT, AGENTS),),
    "failed tasks": (Count('nervesys_agent_tasks_total{outcome="failed"}', AGENT, AGENTS),),
    "rejected objects": (Count("nervesys_exporter_rejected_objects_total", ("source", "reason")),),
    "missing archive days": (Level("nervesys_archive_missing_log_days", SERVER, Unit.COUNT, ARCHIVE),),
    "overdue objects": (Level("nervesys_store_overdue_objects", AREA, Unit.COUNT, SIZES),),
    "overdue files": (Level("nervesys_archive_overdue_files", AREA, Unit.COUNT, ARCHIVE),),
    "rate limit": (
        Level(
            "nervesys_github_rate_limit_remaining",
            FLEET,
            Unit.RATIO,
            GITHUB,
            lambda t: t.rate_limit_percent,
            per=" / nervesys_github_rate_limit_limit",
        ),
    ),
    "series": (Level("nervesys_exporter_series", ("source",), Unit.COUNT, threshold=lambda t: t.series),),
}
"""What can be compared: `cpu > 90% for 10 minutes`."""
