"""How an Alertmanager is started: alone, or as a member of a cluster that notifies once."""

import re
import subprocess
from pathlib import Path

from nervesys.errors import NervesysError
from nervesys.settings.monitoring import Monitoring

GOSSIP_PORT = 9094
"""Alertmanager's own default of `--cluster.listen-address`."""

TELEGRAM = (0, 26)
"""The first release that knows `bot_token_file` of a Telegram channel; others refuse the whole configuration."""
VERSION = re.compile(r"version (\d+)\.(\d+)")
TIMEOUT_SECONDS = 20


def check_version(program: Path, config: str) -> None:
    """Check that a program reads a configuration; one whose version is unknown is taken to.

    Args:
        program: Alertmanager.
        config: text of alertmanager.yml.

    Raises:
        NervesysError: it is too old.
    """
    if "bot_token_file:" not in config:
        return
    try:
        ran = subprocess.run(
            [str(program), "--version"], capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return
    found = VERSION.search(ran.stdout + ran.stderr)
    if found and (int(found[1]), int(found[2])) < TELEGRAM:
        needed = ".".join(map(str, TELEGRAM))
        raise NervesysError(
            f"config/alerts.yaml enables a Telegram channel: it needs at least Alertmanager {needed}, and {program} "
            f"has version {found[1]}.{found[2]}; put a newer one on PATH, or set `enabled: false` for the channel"
        )


def arguments(
    monitoring: Monitoring, *, config: str, data: str, listen: str, gossip: str = f"0.0.0.0:{GOSSIP_PORT}"
) -> tuple[str, ...]:
    """Its arguments; every member of a cluster has the same, because it leaves itself out of its peers.

    Args:
        monitoring: `listen.alertmanager` and `alertmanager.peers` are the members.
        config: path of alertmanager.yml.
        data: folder of its silences and of what it has sent.
        listen: address of its API.
        gossip: address at which it listens to the other members; all have the same port.
    """
    own = (f"--config.file={config}", f"--storage.path={data}", f"--web.listen-address={listen}")
    if not monitoring.alertmanager.peers:
        return (*own, "--cluster.listen-address=")  # alone: no second port, no wait for peers before the first message
    hosts = (address.rpartition(":")[0] for address in monitoring.alertmanagers)
    return (
        *own,
        f"--cluster.listen-address={gossip}",
        *(f"--cluster.peer={host}:{gossip.rpartition(':')[2]}" for host in hosts),
    )
