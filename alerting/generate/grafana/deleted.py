"""Deletes rules that were provisioned to Grafana earlier: it keeps them until a file lists them in `deleteRules`.

They are found by comparison with the files that were written before: a rule that is no longer in `rules.yaml` moves to
the list of deletions, and stays there. Grafana ignores deletions of rules that it does not have.
"""

from collections.abc import Iterable
from typing import Any

import yaml

from nervesys.errors import NervesysError


def provisioned_uids(texts: Iterable[str]) -> frozenset[str]:
    """The uids of all rules that files of provisioning name, to have or to delete.

    Raises:
        NervesysError: one of them is no such file.
    """
    try:
        files = [yaml.safe_load(text) for text in texts]
        groups = [group for file in files for group in file.get("groups", ())]
        deleted = [rule["uid"] for file in files for rule in file.get("deleteRules", ())]
        return frozenset([*deleted, *(rule["uid"] for group in groups for rule in group["rules"])])
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, KeyError, TypeError) as err:
        raise NervesysError("read which rules Grafana was given: its files are not as they were written") from err


def deletions(before: Iterable[str], groups: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The `deleteRules` for Grafana.

    Args:
        before: uids of rules that it was given.
        groups: what it has from now on.
    """
    now = {rule["uid"] for group in groups for rule in group["rules"]}
    return [{"orgId": 1, "uid": uid} for uid in sorted(set(before) - now)]
