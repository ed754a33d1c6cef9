"""Which changes of the configuration take effect in a running agent, and how they are logged."""

from pathlib import Path

import pytest

from nervesys.agent.config_reload import SettingChange, adopt
from nervesys.agent.identity import Identity, identify
from nervesys.errors import SettingsError
from nervesys.redact import MASK
from nervesys.settings import FolderTree, load
from nervesys.stores.open_stores import load_configuration


@pytest.fixture
def me(brain: Path) -> Identity:
    return identify("grok", "host-1", load_configuration("test", {}, brain=str(brain)), {}, 0)


def changed(me: Identity, brain: Path, **files: str) -> list[str]:
    for name, text in files.items():
        (brain / "config" / f"{name.replace('__', '/')}.yaml").write_text(text)
    changes = adopt(me, load(FolderTree(brain)))
    return [f"{change}{'' if change.takes_effect_now else ', later'}" for change in changes]


def test_without_a_change_nothing_is_reported(me: Identity, brain: Path) -> None:
    assert changed(me, brain) == []


def test_what_is_read_at_each_use_changes_at_once(me: Identity, brain: Path) -> None:
    assert changed(
        me,
        brain,
        thresholds="heartbeat: {interval_seconds: 5}",
        agents__grok="""agent:
  {name: grok, role: review, model: grok-4, logging: {level: DEBUG}, buffer: {max_size_mb: 5}}
""",
    ) == [
        "agent.buffer.max_size_mb: 100 → 5",
        "agent.logging.level: INFO → DEBUG",
        "agent.role: research → review",
        "thresholds.heartbeat.interval_seconds: 0.1 → 5",
    ]
    assert (me.config.role, me.config.logging.level, me.config.buffer.max_size_mb) == ("review", "DEBUG", 5)
    assert me.settings.thresholds.heartbeat.interval_seconds == 5


def test_what_is_secret_is_so_from_then_on(me: Identity, brain: Path) -> None:
    text, staff = me.redactor.text, {"employee_id": 7}
    assert (text("see case-123"), me.redactor.value(staff)) == ("see case-123", staff)
    redact = "redact: {names: [employee_id], patterns: ['case-[0-9]+']}"
    grok = f"agent: {{name: grok, role: research, model: grok-4, logging: {{{redact}}}}}"
    assert changed(me, brain, agents__grok=grok) == [
        "agent.logging.redact.names: [] → ['employee_id']",
        "agent.logging.redact.patterns: [] → ['case-[0-9]+']",
    ]
    assert (text("see case-123"), me.redactor.value(staff)) == (f"see {MASK}", {"employee_id": MASK})


def test_what_is_opened_already_waits_for_the_next_start(me: Identity, brain: Path) -> None:
    bucket = me.settings.storage.storj.bucket
    assert changed(
        me,
        brain,
        storage="storj: {bucket: other}\nretention: {metrics: 3}",
        agents__grok="agent: {name: grok, role: research, model: grok-4, buffer: {path: b.sqlite3}}",
    ) == [
        "agent.buffer.path: None → b.sqlite3, later",
        "storage.retention.metrics: 7 → 3",
        f"storage.storj.bucket: {bucket} → other, later",
    ]
    assert (me.settings.storage.storj.bucket, me.config.buffer.path) == (bucket, None)
    assert me.settings.storage.retention.metrics == 3


def test_secrets_are_masked(me: Identity, brain: Path) -> None:
    changes = changed(me, brain, agents__grok="agent: {name: grok, role: research, model: grok-4, api_key: sk-123}")
    assert changes == ["agent.api_key: … → …"]
    assert str(SettingChange("agent.resources.memory", "1g", None)) == "agent.resources.memory: 1g → None"


@pytest.mark.parametrize(
    ("text", "problem"), [("agent: {name: grok, enabled: false}", "is false"), (None, "has no config/agents/grok.yaml")]
)
def test_an_agent_that_the_brain_dropped_stays_as_it_is(
    me: Identity, brain: Path, text: str | None, problem: str
) -> None:
    path = brain / "config/agents/grok.yaml"
    if text:
        path.write_text(text)
    else:
        path.unlink()
    with pytest.raises(SettingsError, match=problem):
        adopt(me, load(FolderTree(brain)))
    assert me.config.role == "research"
