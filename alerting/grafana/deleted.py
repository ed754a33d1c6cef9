"""Rules that Grafana was once given and is to have no more: it keeps them until a file says that they are deleted.

Which those are stands in the files that were written before: a rule that goes from `rules.yaml` moves to the list of
the deleted, and stays there. A Grafana that has no such rule passes over it.
"""

from collections.abc import Iterable
from typing import Any

import yaml

from nervesys.errors import NervesysError


def given(texts: Iterable[str]) -> frozenset[str]:
    """The uids of all rules that files of provisioning name, to have or to delete.

    Raises:
        NervesysError: one of them is no such file.
    """
    try:
        files = [yaml.safe_load(text) for text in texts]
        groups = [group for file in files for group in file.get("groups", ())]
        deleted = [rule["uid"] for file in files for rule in file.get("deleteRules", ())]
        return frozenset([*deleted, *(rule["uid"] for group in groups for rule in group["rules"])])
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as err:
        raise NervesysError("read which rules Grafana was given: its files are not as they were written") from err


def deletions(before: Iterable[str], groups: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """What Grafana is to delete.

    Args:
        before: uids of rules that it was given.
        groups: what it has from now on.
    """
    now = {rule["uid"] for group in groups for rule in group["rules"]}
    return [{"orgId": 1, "uid": uid} for uid in sorted(set(before) - now)]
