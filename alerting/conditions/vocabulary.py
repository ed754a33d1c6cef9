"""What the words of conditions mean: one table for what can be compared, one for what can fail to come.

A word may be compared in several units: `buffer` in bytes and as a share of what the agent may buffer.
"""

from collections.abc import Mapping

from alerting.conditions.freshness_guards import (
    AGENTS,
    ARCHIVE,
    ARTIFACT_FILES,
    ARTIFACTS,
    ARTIFACTS_WAITING,
    BRAIN,
    CHECKPOINTS,
    CHECKSUMS,
    DEPLOYMENTS,
    DRILLS,
    GITHUB,
    LOGS,
    METRICS,
    SECRETS,
    SIZES,
    VITALITY,
    WORKSPACE,
)
from alerting.conditions.terms import Age, Count, Level, Quiet, Term
from alerting.units import Unit
from nervesys.contract.times import DAY_SECONDS

AGENT, SERVER, AREA, FLEET = ("agent",), ("server",), ("area",), ()
PASS = ("source", "area")
"""What exporters refresh."""
PROJECT = ("project",)
ENTITY = ("entity",)
WORKFLOW = ("repository", "workflow", "branch")
ARTIFACT = ("type", "status", "visibility")
CHECKPOINTED = ("database",)
DEED = ("agent", "action")
"""What the receiver does."""

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
    "server metrics": (Age("nervesys_server_metrics_timestamp_seconds", SERVER, METRICS),),
    "status report": (Age("nervesys_brain_agent_status_timestamp_seconds", AGENT, BRAIN),),
    "commit": (Age("nervesys_brain_last_commit_timestamp_seconds", FLEET, BRAIN),),
    "vital signs": (
        Age(
            "nervesys_vitality_heartbeat_timestamp_seconds",
            ENTITY,
            VITALITY,
            threshold=lambda t: t.vitality_silent_seconds,
        ),
    ),
    "rotation": (
        Age("nervesys_secret_rotation_timestamp_seconds", ("secret", "origin"), SECRETS, threshold=lambda t: t.secrets),
    ),
    "restore drill": (
        Age(
            "nervesys_restore_drill_timestamp_seconds",
            FLEET,
            DRILLS,
            threshold=lambda t: t.drill_late_days * DAY_SECONDS,
            must_exist=True,
        ),
    ),
    "event": (Age("nervesys_workspace_last_event_timestamp_seconds", PROJECT, WORKSPACE),),
    "snapshot": (Age("nervesys_workspace_newest_snapshot_timestamp_seconds", PROJECT, WORKSPACE),),
    "artifact": (Age("nervesys_artifact_newest_timestamp_seconds", FLEET, ARTIFACTS),),
    "checkpoint": (Age("nervesys_checkpoint_newest_timestamp_seconds", CHECKPOINTED, CHECKPOINTS),),
    "daily summary": (Age("nervesys_brain_daily_summary_timestamp_seconds", FLEET, BRAIN),),
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
    "anomaly": (Level("nervesys_server_anomaly_score", ("server", "signal"), Unit.COUNT, METRICS, either_side=True),),
    "load": (Level("nervesys_server_load", ("server", "minutes"), Unit.COUNT, METRICS),),
    "agent cpu": (Level("nervesys_agent_cpu_usage_cores", AGENT, Unit.RATIO, AGENTS),),
    "agent memory": (Level("nervesys_agent_memory_bytes", AGENT, Unit.BYTES, AGENTS),),
    "custom events": (Count("nervesys_agent_custom_events_total", ("agent", "counter"), AGENTS),),
    "uptime": (Level("nervesys_server_uptime_seconds", SERVER, Unit.SECONDS, METRICS),),
    "received bytes": (Count("nervesys_server_network_receive_bytes_total", SERVER, METRICS, unit=Unit.BYTES),),
    "sent bytes": (Count("nervesys_server_network_transmit_bytes_total", SERVER, METRICS, unit=Unit.BYTES),),
    "degraded": (Level('nervesys_agent_status{status="degraded"}', AGENT, Unit.COUNT, AGENTS),),
    "brain reachable": (Level("nervesys_agent_brain_reachable", AGENT, Unit.COUNT, AGENTS),),
    "dropped records": (Count("nervesys_agent_dropped_records_total", AGENT, AGENTS),),
    "damaged buffers": (Count("nervesys_agent_damaged_buffers_total", AGENT, AGENTS),),
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
    "alternations": (Count("nervesys_agent_alternations_total", AGENT, AGENTS),),
    "errors": (Count('nervesys_log_records_total{level="ERROR"}', AGENT, LOGS),),
    "log records": (Count("nervesys_log_records_total", AGENT, LOGS),),
    "warnings": (Count('nervesys_log_records_total{level="WARN"}', AGENT, LOGS),),
    "log duration": (
        Count(
            "nervesys_log_action_duration_seconds_sum",
            AGENT,
            LOGS,
            unit=Unit.SECONDS,
            divisor="nervesys_log_action_duration_seconds_count",
        ),
    ),
    "log tokens": (Count("nervesys_log_tokens_total", AGENT, LOGS),),
    "error log lines": (Level("nervesys_brain_error_log_lines", AGENT, Unit.COUNT, BRAIN),),
    "tokens": (Count("nervesys_agent_tokens_total", AGENT, AGENTS),),
    "failed tasks": (Count('nervesys_agent_tasks_total{outcome="failed"}', AGENT, AGENTS),),
    "completed tasks": (Count('nervesys_agent_tasks_total{outcome="completed"}', AGENT, AGENTS),),
    "rejected objects": (Count("nervesys_exporter_rejected_objects_total", ("source", "reason")),),
    "missing archive days": (Level("nervesys_archive_missing_log_days", SERVER, Unit.COUNT, ARCHIVE),),
    "overdue objects": (Level("nervesys_store_overdue_objects", AREA, Unit.COUNT, SIZES),),
    "overdue files": (Level("nervesys_archive_overdue_files", AREA, Unit.COUNT, ARCHIVE),),
    "stored objects": (Level("nervesys_store_objects", AREA, Unit.COUNT, SIZES),),
    "stored bytes": (Level("nervesys_store_bytes", AREA, Unit.BYTES, SIZES),),
    "archived files": (Level("nervesys_archive_files", AREA, Unit.COUNT, ARCHIVE),),
    "archived bytes": (Level("nervesys_archive_bytes", AREA, Unit.BYTES, ARCHIVE),),
    "archive quota": (
        Level(
            'nervesys_archive_quota_bytes{kind="used"}',
            FLEET,
            Unit.RATIO,
            ARCHIVE,
            per=' / on (job, instance) nervesys_archive_quota_bytes{kind="limit"}',
        ),
        Level('nervesys_archive_quota_bytes{kind="used"}', FLEET, Unit.BYTES, ARCHIVE),
    ),
    "commits": (Level("nervesys_brain_commits", FLEET, Unit.COUNT, BRAIN),),
    "daily tasks": (Level("nervesys_brain_daily_summary_tasks", ("outcome",), Unit.COUNT, BRAIN),),
    "daily tokens": (Level("nervesys_brain_daily_summary_tokens", FLEET, Unit.COUNT, BRAIN),),
    "daily errors": (Level("nervesys_brain_daily_summary_errors", FLEET, Unit.COUNT, BRAIN),),
    "daily log records": (Level("nervesys_brain_daily_summary_log_records", FLEET, Unit.COUNT, BRAIN),),
    "daily agents": (Level("nervesys_brain_daily_summary_agents", FLEET, Unit.COUNT, BRAIN),),
    "events": (Count("nervesys_workspace_events_total", PROJECT, WORKSPACE),),
    "project files": (Level("nervesys_workspace_files", PROJECT, Unit.COUNT, WORKSPACE),),
    "project bytes": (Level("nervesys_workspace_file_bytes", PROJECT, Unit.BYTES, WORKSPACE),),
    "project versions": (Level("nervesys_workspace_versions", PROJECT, Unit.COUNT, WORKSPACE),),
    "project snapshots": (Level("nervesys_workspace_snapshots", PROJECT, Unit.COUNT, WORKSPACE),),
    "torn lines": (Level("nervesys_workspace_torn_lines", PROJECT, Unit.COUNT, WORKSPACE),),
    "damaged lines": (Level("nervesys_workspace_damaged_lines", PROJECT, Unit.COUNT, WORKSPACE),),
    "broken versions": (Level("nervesys_workspace_broken_versions", PROJECT, Unit.COUNT, WORKSPACE),),
    "mismatched contents": (Level("nervesys_workspace_mismatched_contents", PROJECT, Unit.COUNT, WORKSPACE),),
    "received pulses": (Count("nervesys_vitality_pulses_received_total", ENTITY, VITALITY),),
    "answered pulses": (Count("nervesys_vitality_pulses_answered_total", ENTITY, VITALITY),),
    "reaction time": (
        Count(
            "nervesys_vitality_reaction_duration_seconds_sum",
            ENTITY,
            VITALITY,
            unit=Unit.SECONDS,
            divisor="nervesys_vitality_reaction_duration_seconds_count",
        ),
    ),
    "entropy gain": (Level("nervesys_vitality_entropy_gain", ENTITY, Unit.COUNT, VITALITY),),
    "memory decay": (Level("nervesys_vitality_memory_decay_ratio", ENTITY, Unit.RATIO, VITALITY),),
    "vital errors": (Count("nervesys_vitality_errors_total", ENTITY, VITALITY),),
    "connected clients": (Level("nervesys_vitality_clients", ENTITY, Unit.COUNT, VITALITY),),
    "artifacts": (Level("nervesys_artifacts", ARTIFACT, Unit.COUNT, ARTIFACTS),),
    "artifact bytes": (Level("nervesys_artifact_bytes", ARTIFACT, Unit.BYTES, ARTIFACTS),),
    "traces": (Level("nervesys_artifact_traces", ("status",), Unit.COUNT, ARTIFACTS),),
    "failed steps": (Count('nervesys_artifact_step_duration_seconds_count{status="failed"}', FLEET, ARTIFACTS),),
    "step duration": (
        Count(
            "nervesys_artifact_step_duration_seconds_sum",
            ("status",),
            ARTIFACTS,
            unit=Unit.SECONDS,
            divisor="nervesys_artifact_step_duration_seconds_count",
        ),
    ),
    "waiting artifact requests": (Level("nervesys_artifact_waiting_requests", AGENT, Unit.COUNT, ARTIFACTS_WAITING),),
    "refused artifact requests": (Level("nervesys_artifact_refused_requests", AGENT, Unit.COUNT, ARTIFACTS_WAITING),),
    "artifact files": (Level("nervesys_artifact_files", FLEET, Unit.COUNT, ARTIFACT_FILES),),
    "artifact orphan files": (Level("nervesys_artifact_orphan_files", FLEET, Unit.COUNT, ARTIFACT_FILES),),
    "artifact orphan bytes": (Level("nervesys_artifact_orphan_bytes", FLEET, Unit.BYTES, ARTIFACT_FILES),),
    "missing artifact files": (Level("nervesys_artifact_missing_files", FLEET, Unit.COUNT, ARTIFACT_FILES),),
    "checksum comparisons": (Count("nervesys_artifact_checksum_comparisons_total", FLEET, CHECKSUMS),),
    "checksum mismatches": (Level("nervesys_artifact_checksum_mismatches", FLEET, Unit.COUNT, CHECKSUMS),),
    "checkpoint threads": (Level("nervesys_checkpoint_threads", CHECKPOINTED, Unit.COUNT, CHECKPOINTS),),
    "checkpoints": (Level("nervesys_checkpoints", CHECKPOINTED, Unit.COUNT, CHECKPOINTS),),
    "checkpoint bytes": (Level("nervesys_checkpoint_bytes", CHECKPOINTED, Unit.BYTES, CHECKPOINTS),),
    "artifact requests": (Count("nervesys_artifact_requests_total", ("operation", "outcome")),),
    "artifact commit failures": (Count("nervesys_artifact_commit_failures_total", FLEET),),
    "restore drill duration": (
        Level(
            "nervesys_restore_drill_duration_seconds",
            FLEET,
            Unit.SECONDS,
            DRILLS,
            threshold=lambda t: t.drill_slow_minutes * 60,
        ),
    ),
    "restored files": (Level("nervesys_restore_drill_files", FLEET, Unit.COUNT, DRILLS),),
    "restored bytes": (Level("nervesys_restore_drill_bytes", FLEET, Unit.BYTES, DRILLS),),
    "deployment duration": (
        Level("nervesys_deployment_last_run_duration_seconds", WORKFLOW, Unit.SECONDS, DEPLOYMENTS),
    ),
    "deployments": (Level("nervesys_deployment_runs", (*WORKFLOW, "conclusion"), Unit.COUNT, DEPLOYMENTS),),
    "rate limit": (
        Level(
            "nervesys_github_rate_limit_remaining_requests",
            FLEET,
            Unit.RATIO,
            GITHUB,
            lambda t: t.rate_limit_percent,
            per=" / nervesys_github_rate_limit_requests",
        ),
    ),
    "series": (Level("nervesys_exporter_series", ("source",), Unit.COUNT, threshold=lambda t: t.series),),
    "backlog": (Level("nervesys_exporter_backlog_objects", PASS, Unit.COUNT),),
    "refresh duration": (Level("nervesys_exporter_refresh_duration_seconds", PASS, Unit.SECONDS),),
    "failed requests": (Count('nervesys_exporter_requests_total{outcome="failed"}', ("source", "operation")),),
    "received alerts": (Count("nervesys_alerts_received_total", ("sender",)),),
    "refused webhooks": (Count("nervesys_webhook_refused_requests_total", ("sender", "reason")),),
    "truncated alerts": (Count("nervesys_alerts_truncated_total", ("sender",)),),
    "failed actions": (Count('nervesys_actions_total{state="failed"}', DEED),),
    "open actions": (Level("nervesys_open_actions", DEED, Unit.COUNT),),
    "pending actions": (Level("nervesys_journal_pending_actions", FLEET, Unit.COUNT),),
    "driver duration": (
        Count(
            "nervesys_action_duration_seconds_sum",
            ("driver",),
            unit=Unit.SECONDS,
            divisor="nervesys_action_duration_seconds_count",
        ),
    ),
    "recovery duration": (
        Count(
            "nervesys_action_recovery_duration_seconds_sum",
            ("driver",),
            unit=Unit.SECONDS,
            divisor="nervesys_action_recovery_duration_seconds_count",
        ),
    ),
    "journal failures": (Count("nervesys_journal_commit_failures_total", FLEET),),
}
"""What can be compared: `cpu > 90% for 10 minutes`."""
