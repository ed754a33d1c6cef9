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
from alerting.conditions.terms import AgeTerm, CountTerm, GaugeTerm, QuietTerm, Term
from alerting.units import BaseUnit
from nervesys.contract.times import DAY_SECONDS

AGENT, SERVER, AREA, FLEET = ("agent",), ("server",), ("area",), ()
REFRESH = ("source", "area")
"""What exporters refresh."""
PROJECT = ("project",)
ENTITY = ("entity",)
WORKFLOW = ("repository", "workflow", "branch")
ARTIFACT = ("type", "status", "visibility")
CHECKPOINTED = ("database",)
ACTION = ("agent", "action")
"""What the receiver does."""

_STOPPED = 'on (agent) (nervesys_agent_status{status="stopped"} == 1)'
_BUFFER_LIMIT = (
    " / on (agent) group_left () max by (agent) (last_over_time(nervesys_brain_agent_buffer_limit_bytes[1h]))"
)

ABSENCES: Mapping[str, tuple[Term, ...]] = {
    "heartbeat": (
        AgeTerm(
            "nervesys_agent_heartbeat_timestamp_seconds",
            AGENT,
            AGENTS,
            threshold=lambda t: t.heartbeat.down_after_seconds,
            narrowed=f"\nunless {_STOPPED}",
        ),
    ),
    "logs": (QuietTerm("nervesys_log_records_total", LOGS, threshold=lambda t: t.logs_late_seconds),),
    "config backup": (
        AgeTerm(
            'nervesys_store_newest_object_timestamp_seconds{area="config_backups"}',
            FLEET,
            SIZES,
            threshold=lambda t: t.backup_late_hours * 3600,
            must_exist=True,
        ),
    ),
    "full backup": (
        AgeTerm(
            'nervesys_archive_newest_file_timestamp_seconds{area="backups"}',
            FLEET,
            ARCHIVE,
            threshold=lambda t: t.backup_late_hours * 3600,
            must_exist=True,
        ),
    ),
    "server metrics": (AgeTerm("nervesys_server_metrics_timestamp_seconds", SERVER, METRICS),),
    "status report": (AgeTerm("nervesys_brain_agent_status_timestamp_seconds", AGENT, BRAIN),),
    "commit": (AgeTerm("nervesys_brain_last_commit_timestamp_seconds", FLEET, BRAIN),),
    "vital signs": (
        AgeTerm(
            "nervesys_vitality_heartbeat_timestamp_seconds",
            ENTITY,
            VITALITY,
            threshold=lambda t: t.vitality_silent_seconds,
        ),
    ),
    "rotation": (
        AgeTerm(
            "nervesys_secret_rotation_timestamp_seconds", ("secret", "origin"), SECRETS, threshold=lambda t: t.secrets
        ),
    ),
    "restore drill": (
        AgeTerm(
            "nervesys_restore_drill_timestamp_seconds",
            FLEET,
            DRILLS,
            threshold=lambda t: t.drill_late_days * DAY_SECONDS,
            must_exist=True,
        ),
    ),
    "event": (AgeTerm("nervesys_workspace_last_event_timestamp_seconds", PROJECT, WORKSPACE),),
    "snapshot": (AgeTerm("nervesys_workspace_newest_snapshot_timestamp_seconds", PROJECT, WORKSPACE),),
    "artifact": (AgeTerm("nervesys_artifact_newest_timestamp_seconds", FLEET, ARTIFACTS),),
    "checkpoint": (AgeTerm("nervesys_checkpoint_newest_timestamp_seconds", CHECKPOINTED, CHECKPOINTS),),
    "daily summary": (AgeTerm("nervesys_brain_daily_summary_timestamp_seconds", FLEET, BRAIN),),
}
"""What should keep coming: `no heartbeat > 5 minutes`."""

MEASURES: Mapping[str, tuple[Term, ...]] = {
    "cpu": (GaugeTerm("nervesys_server_cpu_ratio", SERVER, BaseUnit.RATIO, METRICS, lambda t: t.cpu),),
    "memory": (GaugeTerm("nervesys_server_memory_ratio", SERVER, BaseUnit.RATIO, METRICS, lambda t: t.memory),),
    "disk": (GaugeTerm("nervesys_server_disk_ratio", SERVER, BaseUnit.RATIO, METRICS, lambda t: t.disk),),
    "buffer": (
        GaugeTerm("nervesys_agent_buffer_bytes", AGENT, BaseUnit.RATIO, AGENTS, lambda t: t.buffer, per=_BUFFER_LIMIT),
        GaugeTerm("nervesys_agent_buffer_bytes", AGENT, BaseUnit.BYTES, AGENTS),
    ),
    "anomaly": (
        GaugeTerm("nervesys_server_anomaly_score", ("server", "signal"), BaseUnit.COUNT, METRICS, either_side=True),
    ),
    "load": (GaugeTerm("nervesys_server_load", ("server", "minutes"), BaseUnit.COUNT, METRICS),),
    "agent cpu": (GaugeTerm("nervesys_agent_cpu_usage_cores", AGENT, BaseUnit.RATIO, AGENTS),),
    "agent memory": (GaugeTerm("nervesys_agent_memory_bytes", AGENT, BaseUnit.BYTES, AGENTS),),
    "custom events": (CountTerm("nervesys_agent_custom_events_total", ("agent", "counter"), AGENTS),),
    "uptime": (GaugeTerm("nervesys_server_uptime_seconds", SERVER, BaseUnit.SECONDS, METRICS),),
    "received bytes": (CountTerm("nervesys_server_network_receive_bytes_total", SERVER, METRICS, unit=BaseUnit.BYTES),),
    "sent bytes": (CountTerm("nervesys_server_network_transmit_bytes_total", SERVER, METRICS, unit=BaseUnit.BYTES),),
    "degraded": (GaugeTerm('nervesys_agent_status{status="degraded"}', AGENT, BaseUnit.COUNT, AGENTS),),
    "brain reachable": (GaugeTerm("nervesys_agent_brain_reachable", AGENT, BaseUnit.COUNT, AGENTS),),
    "dropped records": (CountTerm("nervesys_agent_dropped_records_total", AGENT, AGENTS),),
    "damaged buffers": (CountTerm("nervesys_agent_damaged_buffers_total", AGENT, AGENTS),),
    "clock skew": (
        GaugeTerm(
            "nervesys_agent_clock_skew_seconds",
            AGENT,
            BaseUnit.SECONDS,
            AGENTS,
            lambda t: t.clock_skew_seconds,
            either_side=True,
        ),
    ),
    "store clock offset": (
        GaugeTerm(
            "nervesys_store_clock_offset_seconds",
            FLEET,
            BaseUnit.SECONDS,
            AGENTS,
            lambda t: t.store_clock_offset_seconds,
            either_side=True,
        ),
    ),
    "stopped": (
        AgeTerm(
            "nervesys_agent_heartbeat_timestamp_seconds",
            AGENT,
            AGENTS,
            threshold=lambda t: t.heartbeat.stopped_after_seconds,
            narrowed=f"\nand {_STOPPED}",
        ),
    ),
    "starts": (CountTerm("nervesys_agent_start_timestamp_seconds", AGENT, AGENTS, function="changes"),),
    "alternations": (CountTerm("nervesys_agent_alternations_total", AGENT, AGENTS),),
    "errors": (CountTerm('nervesys_log_records_total{level="ERROR"}', AGENT, LOGS),),
    "log records": (CountTerm("nervesys_log_records_total", AGENT, LOGS),),
    "warnings": (CountTerm('nervesys_log_records_total{level="WARN"}', AGENT, LOGS),),
    "log duration": (
        CountTerm(
            "nervesys_log_action_duration_seconds_sum",
            AGENT,
            LOGS,
            unit=BaseUnit.SECONDS,
            divisor="nervesys_log_action_duration_seconds_count",
        ),
    ),
    "log tokens": (CountTerm("nervesys_log_tokens_total", AGENT, LOGS),),
    "error log lines": (GaugeTerm("nervesys_brain_error_log_lines", AGENT, BaseUnit.COUNT, BRAIN),),
    "tokens": (CountTerm("nervesys_agent_tokens_total", AGENT, AGENTS),),
    "failed tasks": (CountTerm('nervesys_agent_tasks_total{outcome="failed"}', AGENT, AGENTS),),
    "completed tasks": (CountTerm('nervesys_agent_tasks_total{outcome="completed"}', AGENT, AGENTS),),
    "rejected objects": (CountTerm("nervesys_exporter_rejected_objects_total", ("source", "reason")),),
    "missing archive days": (GaugeTerm("nervesys_archive_missing_log_days", SERVER, BaseUnit.COUNT, ARCHIVE),),
    "overdue objects": (GaugeTerm("nervesys_store_overdue_objects", AREA, BaseUnit.COUNT, SIZES),),
    "overdue files": (GaugeTerm("nervesys_archive_overdue_files", AREA, BaseUnit.COUNT, ARCHIVE),),
    "stored objects": (GaugeTerm("nervesys_store_objects", AREA, BaseUnit.COUNT, SIZES),),
    "stored bytes": (GaugeTerm("nervesys_store_bytes", AREA, BaseUnit.BYTES, SIZES),),
    "archived files": (GaugeTerm("nervesys_archive_files", AREA, BaseUnit.COUNT, ARCHIVE),),
    "archived bytes": (GaugeTerm("nervesys_archive_bytes", AREA, BaseUnit.BYTES, ARCHIVE),),
    "archive quota": (
        GaugeTerm(
            'nervesys_archive_quota_bytes{kind="used"}',
            FLEET,
            BaseUnit.RATIO,
            ARCHIVE,
            per=' / on (job, instance) nervesys_archive_quota_bytes{kind="limit"}',
        ),
        GaugeTerm('nervesys_archive_quota_bytes{kind="used"}', FLEET, BaseUnit.BYTES, ARCHIVE),
    ),
    "commits": (GaugeTerm("nervesys_brain_commits", FLEET, BaseUnit.COUNT, BRAIN),),
    "daily tasks": (GaugeTerm("nervesys_brain_daily_summary_tasks", ("outcome",), BaseUnit.COUNT, BRAIN),),
    "daily tokens": (GaugeTerm("nervesys_brain_daily_summary_tokens", FLEET, BaseUnit.COUNT, BRAIN),),
    "daily errors": (GaugeTerm("nervesys_brain_daily_summary_errors", FLEET, BaseUnit.COUNT, BRAIN),),
    "daily log records": (GaugeTerm("nervesys_brain_daily_summary_log_records", FLEET, BaseUnit.COUNT, BRAIN),),
    "daily agents": (GaugeTerm("nervesys_brain_daily_summary_agents", FLEET, BaseUnit.COUNT, BRAIN),),
    "events": (CountTerm("nervesys_workspace_events_total", PROJECT, WORKSPACE),),
    "project files": (GaugeTerm("nervesys_workspace_files", PROJECT, BaseUnit.COUNT, WORKSPACE),),
    "project bytes": (GaugeTerm("nervesys_workspace_file_bytes", PROJECT, BaseUnit.BYTES, WORKSPACE),),
    "project versions": (GaugeTerm("nervesys_workspace_versions", PROJECT, BaseUnit.COUNT, WORKSPACE),),
    "project snapshots": (GaugeTerm("nervesys_workspace_snapshots", PROJECT, BaseUnit.COUNT, WORKSPACE),),
    "torn lines": (GaugeTerm("nervesys_workspace_torn_lines", PROJECT, BaseUnit.COUNT, WORKSPACE),),
    "damaged lines": (GaugeTerm("nervesys_workspace_damaged_lines", PROJECT, BaseUnit.COUNT, WORKSPACE),),
    "broken versions": (GaugeTerm("nervesys_workspace_broken_versions", PROJECT, BaseUnit.COUNT, WORKSPACE),),
    "mismatched contents": (GaugeTerm("nervesys_workspace_mismatched_contents", PROJECT, BaseUnit.COUNT, WORKSPACE),),
    "received pulses": (CountTerm("nervesys_vitality_pulses_received_total", ENTITY, VITALITY),),
    "answered pulses": (CountTerm("nervesys_vitality_pulses_answered_total", ENTITY, VITALITY),),
    "reaction time": (
        CountTerm(
            "nervesys_vitality_reaction_duration_seconds_sum",
            ENTITY,
            VITALITY,
            unit=BaseUnit.SECONDS,
            divisor="nervesys_vitality_reaction_duration_seconds_count",
        ),
    ),
    "entropy gain": (GaugeTerm("nervesys_vitality_entropy_gain", ENTITY, BaseUnit.COUNT, VITALITY),),
    "memory decay": (GaugeTerm("nervesys_vitality_memory_decay_ratio", ENTITY, BaseUnit.RATIO, VITALITY),),
    "vital errors": (CountTerm("nervesys_vitality_errors_total", ENTITY, VITALITY),),
    "connected clients": (GaugeTerm("nervesys_vitality_clients", ENTITY, BaseUnit.COUNT, VITALITY),),
    "artifacts": (GaugeTerm("nervesys_artifacts", ARTIFACT, BaseUnit.COUNT, ARTIFACTS),),
    "artifact bytes": (GaugeTerm("nervesys_artifact_bytes", ARTIFACT, BaseUnit.BYTES, ARTIFACTS),),
    "traces": (GaugeTerm("nervesys_artifact_traces", ("status",), BaseUnit.COUNT, ARTIFACTS),),
    "failed steps": (CountTerm('nervesys_artifact_step_duration_seconds_count{status="failed"}', FLEET, ARTIFACTS),),
    "step duration": (
        CountTerm(
            "nervesys_artifact_step_duration_seconds_sum",
            ("status",),
            ARTIFACTS,
            unit=BaseUnit.SECONDS,
            divisor="nervesys_artifact_step_duration_seconds_count",
        ),
    ),
    "waiting artifact requests": (
        GaugeTerm("nervesys_artifact_waiting_requests", AGENT, BaseUnit.COUNT, ARTIFACTS_WAITING),
    ),
    "refused artifact requests": (
        GaugeTerm("nervesys_artifact_refused_requests", AGENT, BaseUnit.COUNT, ARTIFACTS_WAITING),
    ),
    "artifact files": (GaugeTerm("nervesys_artifact_files", FLEET, BaseUnit.COUNT, ARTIFACT_FILES),),
    "artifact orphan files": (GaugeTerm("nervesys_artifact_orphan_files", FLEET, BaseUnit.COUNT, ARTIFACT_FILES),),
    "artifact orphan bytes": (GaugeTerm("nervesys_artifact_orphan_bytes", FLEET, BaseUnit.BYTES, ARTIFACT_FILES),),
    "missing artifact files": (GaugeTerm("nervesys_artifact_missing_files", FLEET, BaseUnit.COUNT, ARTIFACT_FILES),),
    "checksum comparisons": (CountTerm("nervesys_artifact_checksum_comparisons_total", FLEET, CHECKSUMS),),
    "checksum mismatches": (GaugeTerm("nervesys_artifact_checksum_mismatches", FLEET, BaseUnit.COUNT, CHECKSUMS),),
    "checkpoint threads": (GaugeTerm("nervesys_checkpoint_threads", CHECKPOINTED, BaseUnit.COUNT, CHECKPOINTS),),
    "checkpoints": (GaugeTerm("nervesys_checkpoints", CHECKPOINTED, BaseUnit.COUNT, CHECKPOINTS),),
    "checkpoint bytes": (GaugeTerm("nervesys_checkpoint_bytes", CHECKPOINTED, BaseUnit.BYTES, CHECKPOINTS),),
    "artifact requests": (CountTerm("nervesys_artifact_requests_total", ("operation", "outcome")),),
    "artifact commit failures": (CountTerm("nervesys_artifact_commit_failures_total", FLEET),),
    "restore drill duration": (
        GaugeTerm(
            "nervesys_restore_drill_duration_seconds",
            FLEET,
            BaseUnit.SECONDS,
            DRILLS,
            threshold=lambda t: t.drill_slow_minutes * 60,
        ),
    ),
    "restored files": (GaugeTerm("nervesys_restore_drill_files", FLEET, BaseUnit.COUNT, DRILLS),),
    "restored bytes": (GaugeTerm("nervesys_restore_drill_bytes", FLEET, BaseUnit.BYTES, DRILLS),),
    "deployment duration": (
        GaugeTerm("nervesys_deployment_last_run_duration_seconds", WORKFLOW, BaseUnit.SECONDS, DEPLOYMENTS),
    ),
    "deployments": (GaugeTerm("nervesys_deployment_runs", (*WORKFLOW, "conclusion"), BaseUnit.COUNT, DEPLOYMENTS),),
    "rate limit": (
        GaugeTerm(
            "nervesys_github_rate_limit_remaining_requests",
            FLEET,
            BaseUnit.RATIO,
            GITHUB,
            lambda t: t.rate_limit_percent,
            per=" / nervesys_github_rate_limit_requests",
        ),
    ),
    "series": (GaugeTerm("nervesys_exporter_series", ("source",), BaseUnit.COUNT, threshold=lambda t: t.series),),
    "backlog": (GaugeTerm("nervesys_exporter_backlog_objects", REFRESH, BaseUnit.COUNT),),
    "refresh duration": (GaugeTerm("nervesys_exporter_refresh_duration_seconds", REFRESH, BaseUnit.SECONDS),),
    "failed requests": (CountTerm('nervesys_exporter_requests_total{outcome="failed"}', ("source", "operation")),),
    "received alerts": (CountTerm("nervesys_alerts_received_total", ("sender",)),),
    "refused webhooks": (CountTerm("nervesys_webhook_refused_requests_total", ("sender", "reason")),),
    "truncated alerts": (CountTerm("nervesys_alerts_truncated_total", ("sender",)),),
    "failed actions": (CountTerm('nervesys_actions_total{state="failed"}', ACTION),),
    "open actions": (GaugeTerm("nervesys_open_actions", ACTION, BaseUnit.COUNT),),
    "pending actions": (GaugeTerm("nervesys_journal_pending_actions", FLEET, BaseUnit.COUNT),),
    "driver duration": (
        CountTerm(
            "nervesys_action_duration_seconds_sum",
            ("driver",),
            unit=BaseUnit.SECONDS,
            divisor="nervesys_action_duration_seconds_count",
        ),
    ),
    "recovery duration": (
        CountTerm(
            "nervesys_action_recovery_duration_seconds_sum",
            ("driver",),
            unit=BaseUnit.SECONDS,
            divisor="nervesys_action_recovery_duration_seconds_count",
        ),
    ),
    "journal failures": (CountTerm("nervesys_journal_commit_failures_total", FLEET),),
}
"""What can be compared: `cpu > 90% for 10 minutes`."""
