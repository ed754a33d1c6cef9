"""The alerts of config/alerts.yaml for Grafana's own engine: files of alert provisioning, as plain dictionaries.

Rules and groups (`rules`) are made with grafanalib, which is not installed with every program, so this package does not
import them. grafanalib has no classes for contact points, policies and deletions.

Grafana replaces `$NAME` and `${NAME}` in some fields of these files and leaves others as they are: titles, labels and
the settings of contact points have each `$` doubled; queries and annotations have not.
"""

from typing import Any

from alerting.generate.grafana.contacts import contact_points, policies
from alerting.generate.grafana.deleted import deletions, provisioned_uids

__all__ = ["contact_points", "deletions", "policies", "provisioned_uids", "provisioning_file"]


def provisioning_file(key: str, content: Any) -> dict[str, Any]:
    """A file of alert provisioning that holds one kind of thing."""
    return {"apiVersion": 1, key: content}
