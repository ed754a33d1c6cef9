"""How an Alertmanager is started: alone, or as a member of a cluster that notifies once."""

from nervesys.settings.monitoring import Monitoring

GOSSIP_PORT = 9094
"""Alertmanager's own default of `--cluster.listen-address`."""


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
