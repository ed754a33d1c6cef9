"""Writes YAML that people read: text of several lines as a block, no aliases, keys in their order."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as a block, so that expressions stay readable, and no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _lines(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _lines)


def yaml_text(content: Mapping[str, Any]) -> str:
    """One document."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)


def yaml_documents(contents: Iterable[Mapping[str, Any]]) -> str:
    """Several documents, divided by `---`."""
    return "---\n".join(map(yaml_text, contents))
