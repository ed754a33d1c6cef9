"""Prints a software bill of materials (CycloneDX 1.6, JSON) of a lock file: `python sbom.py requirements.lock`.

Made from the lock alone, so the same lock gives the same bytes: no time, no serial number.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.markers import Marker

PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)\s*(?:;\s*([^\\\n]+?))?\s*\\?$")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def bill(lock: str) -> dict[str, Any]:
    """The bill of a lock in pip's format, with the packages that its markers choose here."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "nervesys-observability"}},
        "components": sorted(_components(lock), key=lambda component: component["purl"]),
    }


def _components(lock: str) -> Iterator[dict[str, Any]]:
    for block in re.split(r"\n(?=\S)", lock):
        first, *rest = block.splitlines() or [""]
        pin = PIN.match(first)
        if pin and (not pin[3] or Marker(pin[3]).evaluate()):
            name, version = pin[1], pin[2]
            yield {
                "type": "library",
                "name": name,
                "version": version,
                "purl": f"pkg:pypi/{name.lower().replace('_', '-')}@{version}",
                "properties": [{"name": "pip:sha256", "value": digest} for digest in HASH.findall("\n".join(rest))],
            }


def main() -> None:
    """Print the bill of the lock that the command line names."""
    json.dump(bill(Path(sys.argv[1]).read_text()), sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
