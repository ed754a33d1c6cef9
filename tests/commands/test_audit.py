"""`nervesys audit` reads the trail of all programs back, by action, result, person and target.

Covers: commands.audit_trail.
"""

import json
from pathlib import Path

import pytest

from nervesys.agent.audit_trail import audit_trail
from nervesys.audit import AUDIT, AuditAction, AuditResult
from nervesys.settings import load
from nervesys.stores.s3 import S3Store
from tests.commands.conftest import Run
from tests.servers.fixtures import rclone_endpoint
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY, settings_of

__all__ = ["rclone_endpoint"]


def test_the_trail_is_printed_and_filtered(
    run: Run, rclone_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"ENDPOINT": rclone_endpoint, "ACCESS_KEY": ACCESS_KEY, "SECRET_KEY": SECRET_KEY}.items():
        monkeypatch.setenv(f"STORJ_{name}", value)
    AUDIT.flush(everything=True)
    store = S3Store(settings_of(rclone_endpoint))
    with audit_trail("receiver", tmp_path, load().settings, store, {"NERVESYS_SERVER": "host-9"}):
        AUDIT.record(AuditAction.SIGN_IN, AuditResult.DENIED, "unknown", "page", client="10.0.0.9")
        AUDIT.record(AuditAction.ORDER, AuditResult.OK, "session 1a2b", "restart grok")
    argv = ("audit", "--home", str(tmp_path))
    everything = run(*argv).out
    assert "Z denied unknown: sign_in page from 10.0.0.9 [nervesys-receiver on host-9]" in everything
    assert "Z ok     session 1a2b: order restart grok [nervesys-receiver on host-9]" in everything
    denied = run(*argv, "--result", "denied", "--json").out.splitlines()
    assert [json.loads(line)["action"] for line in denied] == ["sign_in"]
    assert "order" in run(*argv, "--who", "session", "--target", "grok", "--action", "order").out
    nothing = run(*argv, "--who", "nobody")
    assert (nothing.code, nothing.out) == (0, "")
    assert "No audit record" in nothing.err
