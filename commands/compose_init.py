"""`nervesys compose-init`: create what the services of Docker Compose need before their first start."""

import os
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.console import Console

from commands import demo_history
from commands.plan import LIMITS
from nervesys.artifacts.tokens import ADMIN
from nervesys.clock import system_clock
from nervesys.settings import load, shipped_root
from nervesys.stack import container, keys
from nervesys.stack.seed import seed
from nervesys.stores.open_stores import load_configuration

app = typer.Typer()
SHARED = 0o444
"""Mode of keys that a program of another user reads; only the services that need them mount their volume."""


@app.command()
def compose_init(
    brain: Annotated[Path, typer.Option(help="Git repository to create for the example brain.")],
    archive: Annotated[Path, typer.Option(help="Folder to create for the example archive.")],
    secrets: Annotated[Path, typer.Option(help="Folder to create the keys in, one subfolder for each kind.")],
) -> None:
    """Create the example brain and archive, with some made-up history, and the keys.

    docker-compose.yml runs this as its first service. What exists already is kept, so it may run again.
    """
    loaded = load(profile=os.environ.get("NERVESYS_PROFILE"), environ=os.environ)
    branches = loaded.settings.storage.brain
    seed(brain, shipped_root(), system_clock(), branches.branch, branches.state_branch)
    keys.make(secrets / "store", ("store_access_key", "store_secret_key"))
    keys.make(secrets / "receiver", ("receiver_token",), SHARED)
    keys.make(secrets / "artifacts", (*loaded.agents, ADMIN))
    keys.make(secrets / "supervisor", ("password",))
    keys.make(secrets / "grafana", ("admin_password",), SHARED)
    supervisor = secrets / "supervisor"
    agents = [name for name, agent in loaded.agents.items() if agent.enabled]
    text = container.config(agents, (supervisor / "password").read_text())
    _write(supervisor / "supervisord.conf", text, 0o600)
    _write(secrets / "receiver" / "receiver.yaml", _receiver_file(secrets), SHARED)
    archive.mkdir(parents=True, exist_ok=True)
    environ = {**os.environ, "NERVESYS_BRAIN": str(brain), "NERVESYS_SERVER": container.SERVER}
    demo_history.create_in(
        load_configuration("compose-init", environ, archive=archive.absolute().as_uri()),
        environ,
        archive=True,
        brain=True,
    )
    Console().print(
        f"Created the brain {brain}, the archive {archive} and the keys under {secrets}; existing ones were kept.",
        soft_wrap=True,
    )


def _receiver_file(secrets: Path) -> str:
    supervisor = {
        "url": f"http://{container.ADDRESS}",
        "user": container.USER,
        "password_file": str(secrets / "supervisor" / "password"),
        "servers": [container.SERVER],
    }
    token = str(secrets / "receiver" / "receiver_token")
    return yaml.safe_dump({"token_file": token, "drivers": {"supervisor": supervisor}, "limits": LIMITS})


def _write(path: Path, text: str, mode: int) -> None:
    """Replace a file; its permissions are set before its content is written."""
    fresh = path.with_suffix(".new")
    fresh.touch(mode)
    fresh.chmod(mode | 0o200)
    fresh.write_text(text)
    fresh.chmod(mode)
    fresh.replace(path)
