"""Alertmanager: is our configuration loaded, is its token the receiver's, and has every channel its secret?"""

import hmac
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import yaml

from commands.diagnosis.finding import DoctorFinding, fail, ok, warn
from commands.diagnosis.secrets import judge_secret, read_secret_file
from nervesys.clients.alertmanager import Alertmanager

SUBJECT = "alertmanager"
REMEDY = "start Alertmanager, or set monitoring.listen.alertmanager to its address"
BUILD = "write its configuration with `nervesys alerts build`, and reload Alertmanager"
FILE_KEYS = ("api_url_file", "auth_password_file", "bot_token_file", "credentials_file")
WATCHDOG_SECONDS = 300.0
"""The Watchdog is sent each minute: a receiver without one for this long is not reached."""


def judge_receivers(config: dict[str, Any], expected: Collection[str]) -> DoctorFinding:
    """Whether the receivers of config/alerts.yaml are loaded.

    Args:
        config: Alertmanager's, as it is loaded.
        expected: names of the receivers.
    """
    missing = sorted(set(expected) - {receiver["name"] for receiver in config.get("receivers") or ()})
    if missing:
        return fail(SUBJECT, f"its configuration lacks the receivers {', '.join(missing)}", BUILD)
    return ok(SUBJECT, "its configuration is that of config/alerts.yaml")


def judge_channels(channels: Collection[str]) -> DoctorFinding:
    """Whether anybody is notified.

    Args:
        channels: names of the enabled channels.
    """
    if not channels:
        return warn(SUBJECT, "no channel is enabled: nobody is notified", "enable one in config/alerts.yaml: channels")
    return ok(SUBJECT, f"notified channels: {', '.join(channels)}")


def judge_token(theirs: bytes | None, ours: str | None, received_seconds_ago: float | None) -> DoctorFinding:
    """Whether Alertmanager shows the token that the receiver expects.

    Args:
        theirs: content of the file that Alertmanager reads; None where this machine cannot read it.
        ours: the receiver's token; None where this machine cannot read it.
        received_seconds_ago: since the receiver accepted a webhook of Alertmanager, which proves an equal token; None
            if it never did, or does not answer.
    """
    if theirs is not None and ours is not None:
        if hmac.compare_digest(theirs.strip(), ours.encode()):
            return ok(SUBJECT, "its token equals the receiver's")
        return fail(SUBJECT, "its token differs from the receiver's", "let both read the same file")
    if received_seconds_ago is not None and received_seconds_ago < WATCHDOG_SECONDS:
        return ok(SUBJECT, f"the receiver accepted its token {max(0, received_seconds_ago):.0f} s ago")
    remedy = "see `nervesys logs receiver` for refused webhooks, and let both read the same token file"
    return warn(SUBJECT, "whether its token equals the receiver's is unknown: no webhook arrived lately", remedy)


def secret_paths(config: Any) -> Iterator[Path]:
    """The files of secrets that a configuration names, at any depth."""
    parts = config.items() if isinstance(config, dict) else enumerate(config) if isinstance(config, list) else ()
    for key, value in parts:
        if key in FILE_KEYS and isinstance(value, str):
            yield Path(value)
        else:
            yield from secret_paths(value)


def judge_slack(path: Path, body: bytes | None) -> Iterator[DoctorFinding]:
    """A Slack channel's secret must be the URL of a webhook."""
    if body is not None and not body.strip().startswith((b"https://", b"http://")):
        yield fail(SUBJECT, f"{path} is not the URL of a webhook", "put the URL that Slack shows into it")


def check_alertmanager(
    client: Alertmanager,
    channels: Collection[str],
    fixed: Collection[str],
    token: str | None,
    received_seconds_ago: Callable[[], float | None],
) -> Iterator[DoctorFinding]:
    """Ask a running Alertmanager.

    Args:
        client: of it.
        channels: names of the enabled channels.
        fixed: names of the receivers that are always there.
        token: see `judge_token`.
        received_seconds_ago: likewise; asked only where it is needed.
    """
    status = client.status()
    yield ok(SUBJECT, f"version {status.get('versionInfo', {}).get('version', 'unknown')}")
    config = yaml.safe_load(status["config"]["original"]) or {}
    yield judge_receivers(config, (*fixed, *channels))
    yield judge_channels(channels)
    paths = sorted(set(secret_paths(config)))
    of_actions: dict[str, Any] = next((row for row in config.get("receivers") or () if row["name"] == "actions"), {})
    theirs = next((read_secret_file(path).body for path in secret_paths(of_actions)), None)
    yield judge_token(theirs, token, None if theirs is not None and token else received_seconds_ago())
    for path in paths:
        if not path.parent.is_dir():
            yield warn(SUBJECT, f"{path} is not on this machine: not checked", "run the doctor where Alertmanager runs")
            continue
        file = read_secret_file(path, check_mode=False)
        yield from judge_secret(file)
        if path.name.startswith("slack"):
            yield from judge_slack(path, file.body)
