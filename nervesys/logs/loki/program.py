"""The program that serves Loki's API."""

from nervesys.audit import AuditAction
from nervesys.clock import Clock
from nervesys.logs.logql.engine import LogqlEngine
from nervesys.logs.loki.api import PREFIX, LokiApi
from nervesys.logs.loki.catalogue import LogCatalogue
from nervesys.logs.open_reader import open_reader
from nervesys.logs.query_slots import QuerySlots
from nervesys.metrics import Instruments
from nervesys.metrics.pages import HttpProgram
from nervesys.settings import Loaded


def logs_program(loaded: Loaded, clock: Clock) -> HttpProgram:
    """The program with its routes.

    Args:
        loaded: names store and archive, and limits queries.
        clock: the current time.
    """
    limits = loaded.settings.logs.query
    reader = open_reader(loaded.settings.storage, clock)
    catalogue = LogCatalogue(reader, sorted(loaded.agents))
    api = LokiApi(LogqlEngine(reader), catalogue, QuerySlots(limits), limits.max_lines, clock)
    return HttpProgram(
        name="logs",
        about="Answers Grafana's questions about log records, by Loki's API, from store and archive.",
        snapshot=Instruments("logs", ()).snapshot,
        not_ready=lambda: None,
        routes=api.routes(),
        links={f"{PREFIX}/labels": "labels"},
        audited=(AuditAction.SIGN_IN, AuditAction.READ_LOGS),
    )
