"""The data contract: what agents write to store, archive and brain, and under which names.

Pure code: bytes and strings in, models out; no network, disk or clock.
"""

from nervesys.contract.brain import DailySummary, RestoreDrill, RoundLease
from nervesys.contract.instances import Instances
from nervesys.contract.logs import Category, Level, LogRecord
from nervesys.contract.names import agent_name, server_name
from nervesys.contract.paths import PathTemplate
from nervesys.contract.state import AgentState, BrainCopy, ServerMetrics, Status, Usage
from nervesys.contract.tasks import CurrentTask, RepeatedAction, TaskQueue, Tasks
from nervesys.contract.times import format_time, parse_time
from nervesys.contract.vitality import VitalSigns

__all__ = [
    "AgentState",
    "BrainCopy",
    "Category",
    "CurrentTask",
    "DailySummary",
    "Instances",
    "Level",
    "LogRecord",
    "PathTemplate",
    "RepeatedAction",
    "RestoreDrill",
    "RoundLease",
    "ServerMetrics",
    "Status",
    "TaskQueue",
    "Tasks",
    "Usage",
    "VitalSigns",
    "agent_name",
    "format_time",
    "parse_time",
    "server_name",
]
