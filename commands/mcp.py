"""`nervesys mcp`: lets a language model's client read the fleet, by the Model Context Protocol."""

from typing import Annotated, Any

import typer
from mcp.server import MCPServer
from pydantic import SecretStr
from starlette.applications import Starlette

from alerting.model import read_alerts
from alerting.receiver.local import open_local
from commands.audit_trail import audited
from commands.conditions import condition_compiler
from commands.mcp_server import TokenGuard, make_server
from commands.mcp_tools import FleetTools
from commands.options import BrainUrl, Home, PrometheusUrl, ReceiverFile, checked_address, open_settings
from nervesys.clients.prometheus import Prometheus
from nervesys.clock import system_clock
from nervesys.logs.open_reader import open_reader
from nervesys.metrics.pages import HEALTHY, serve
from nervesys.settings import Settings

SECONDS = 10
"""For a query of Prometheus."""

app = typer.Typer()


@app.command()
def mcp(
    listen: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="Serve HTTP here (default: standard input and output).", callback=checked_address
        ),
    ] = None,
    allow_restart: Annotated[
        bool,
        typer.Option(
            "--allow-restart", help="Offer the tool restart_agent; a person confirms each call at the client."
        ),
    ] = False,
    receiver_file: ReceiverFile = None,
    prometheus: PrometheusUrl = None,
    home: Home = None,
    brain: BrainUrl = None,
) -> None:
    """Answer a language model's questions about the fleet, by the Model Context Protocol (MCP).

    Without --listen it talks over standard input and output, as desktop clients start it: `nervesys mcp --home DIR`.
    With `--listen 127.0.0.1:9490` it serves HTTP at /mcp; requests carry the receiver's token as bearer token. The
    tools only read: fleet_status, agent, alerts, episodes, episode, logs, tasks, cost, explain_alert.
    """
    start = open_settings("mcp", home=home, brain=brain, also=[read_alerts])
    settings = start.loaded.settings
    tools = FleetTools(
        start.loaded,
        read_alerts(start.tree)[0],
        condition_compiler(start.loaded),
        Prometheus(prometheus or settings.monitoring.prometheus_url, timeout_seconds=SECONDS),
        open_reader(settings.storage, system_clock),
        system_clock,
    )
    token = None
    if allow_restart or listen:
        token = open_local(start.place, receiver_file).token
        assert token is not None, "open_local fills it in"
    server = make_server(tools, token if allow_restart else None)
    with audited("mcp", start.place, settings):
        if listen is None:
            server.run("stdio")
        else:
            assert token is not None, "read above"
            _serve(server, listen, token, settings)


def _serve(server: MCPServer[Any], listen: str, token: SecretStr, settings: Settings) -> None:
    pages: Starlette = server.streamable_http_app(host=listen.rpartition(":")[0])
    pages.router.routes.append(HEALTHY)
    pages.add_middleware(TokenGuard, token=token)
    serve(pages, listen, settings.monitoring.web, settings.monitoring.hosts)
