"""What looks right and is not: misspelt files and keys, and values that YAML reads as something else."""

import pytest

from nervesys.errors import SettingsError
from nervesys.settings import load
from tests.nervesys.settings.conftest import MakeBrain


def mistakes_of(brain: MakeBrain, **files: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(brain(**files))
    return [str(mistake) for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    ("files", "mistake"),
    [
        ({"storge": "storj: {}"}, "config/storge.yaml: unknown file; did you mean 'storage.yaml'?"),
        ({"Storage": "storj: {}"}, "config/Storage.yaml: unknown file; did you mean 'storage.yaml'?"),
        ({"alert": "alerts: []"}, "config/alert.yaml: unknown file; did you mean 'alerts.yaml'?"),
        (
            {"agents__grok": "agnet:\n  name: grok\n"},
            "config/agents/grok.yaml:2: agent.agnet: unknown key; did you mean 'agent'?",
        ),
        (
            {"agents__grok": "agent:\n  restart: {drivr: systemd}\n"},
            "config/agents/grok.yaml:2: agent.restart.drivr: unknown key; did you mean 'driver'?",
        ),
        (
            {"agents__default": "agent:\n  bufer: {max_size_mb: 1}\n", "agents__grok": ""},
            "config/agents/default.yaml:2: agent.bufer: unknown key; did you mean 'buffer'?",
        ),
        (
            {"storage": "storj:\n  timeout_seconds: yes\n"},
            "config/storage.yaml:2: storage.storj.timeout_seconds: a number is expected; YAML reads yes, no",
        ),
        (
            {"agents__grok": "agent: {buffer: {max_size_mb: on}}"},
            "config/agents/grok.yaml:1: agent.buffer.max_size_mb: a number is expected",
        ),
        (
            {"storage": "retention: {logs: {system: no}}"},
            "config/storage.yaml:1: storage.retention.logs.system: a number is expected",
        ),
        ({"storage": "storj: {timeout_seconds: .inf}"}, "config/storage.yaml:1: storage.storj.timeout_seconds: "),
        ({"storage": "storj: {timeout_seconds: .nan}"}, "config/storage.yaml:1: storage.storj.timeout_seconds: "),
        ({"storage": "storj: {timeout_seconds: inf}"}, "config/storage.yaml:1: storage.storj.timeout_seconds: "),
        (
            {"agents__grok": "agent: {thresholds: {logs_late_seconds: .inf}}"},
            "config/agents/grok.yaml:1: agent.thresholds.logs_late_seconds: ",
        ),
        (
            {"storage": "storj:\n  concurrency: 010\n"},
            "config/storage.yaml:2: 010 is an octal number, 8: write it without the leading zero, or quote it",
        ),
        (
            {"agents__grok": "agent:\n  maintenance:\n  - {from: 2027-01-02T00:00:00Z, until: 2027-01-01T00:00:00Z}\n"},
            "ends before it begins: `until` must lie after `from`",
        ),
    ],
)
def test_it_is_a_mistake_with_its_line_and_the_nearest_word(
    brain: MakeBrain, files: dict[str, str], mistake: str
) -> None:
    (found,) = mistakes_of(brain, **files)
    assert mistake in found


@pytest.mark.parametrize("second", ["grok.yml", "GROK.yaml"])
def test_two_files_of_one_agent(brain: MakeBrain, second: str) -> None:
    tree = brain(agents__grok="agent: {role: a}")
    (tree.root / "config/agents" / second).write_text("agent: {role: b}")
    with pytest.raises(SettingsError, match="is of the same agent; keep one of both"):
        load(tree)


def test_a_file_with_another_suffix(brain: MakeBrain) -> None:
    tree = brain()
    (tree.root / "config").mkdir()
    (tree.root / "config/storage.yml").write_text("storj: {}")
    with pytest.raises(SettingsError, match=r"config/storage.yml: unknown file; did you mean 'storage.yaml'\?"):
        load(tree)


def test_a_file_of_another_program_is_a_warning(brain: MakeBrain) -> None:
    (warning,) = load(brain(crontab="x: 1")).warnings
    assert str(warning) == "config/crontab.yaml: unknown file, ignored"


def test_what_is_right_is_left_alone(brain: MakeBrain) -> None:
    loaded = load(
        brain(
            storage="storj: {concurrency: '010', timeout_seconds: 0.5}\nworkspace: {persistent: no}\n",
            agents__grok="agent: {resources: {swap: yes}, maintenance: [{every: day, at: 23:30, minutes: 9}]}",
        )
    )
    assert loaded.settings.storage.storj.concurrency == 10
    assert loaded.settings.storage.workspace.persistent is False
    assert loaded.agents["grok"].resources == {"swap": True}
    assert loaded.warnings == ()
