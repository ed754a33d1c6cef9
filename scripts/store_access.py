#!/usr/bin/python3.13 -IS
"""What a key of the demo's store may do; rclone runs this for every access key that it does not know yet.

rclone writes `{"user": ACCESS_KEY, …}` to standard input and reads a backend with the key's secret from standard output
(`rclone serve s3 --auth-proxy`). The keys lie in folders below /secrets, named by who holds them; readers cannot write.
"""

import json
import sys
from pathlib import Path

SECRETS = Path("/secrets")
DATA = "/data"
READERS = "readers"


def backend(access_key: str, secrets: Path) -> dict[str, str]:
    """The backend of a key, with its secret; without one where nobody holds it, which rclone refuses."""
    for file in sorted(secrets.glob("*/store_access_key")):
        if file.read_text() == access_key:
            secret = {"_secret_access_key": file.with_name("store_secret_key").read_text()}
            if file.parent.name == READERS:
                return {"type": "union", "upstreams": f"{DATA}:ro", "_root": "", **secret}
            return {"type": "local", "_root": DATA, **secret}
    return {"type": "local", "_root": DATA}


def main() -> None:
    """Reply to one request of rclone."""
    json.dump(backend(json.load(sys.stdin)["user"], SECRETS), sys.stdout)


if __name__ == "__main__":
    main()
