"""Layers of settings, and the messages for wrong values.

Covers: nervesys.settings, nervesys.settings.agents, nervesys.settings.alibaba, nervesys.settings.check.
Covers: nervesys.settings.fleet, nervesys.settings.grafana, nervesys.settings.layers, nervesys.settings.monitoring.
Covers: nervesys.settings.section, nervesys.settings.storage, nervesys.settings.thresholds, nervesys.settings.tree.
Covers: nervesys.settings.urls, nervesys.settings.variables, nervesys.settings.web, nervesys.settings.yaml.
"""

from pathlib import Path

import pytest
from pydantic import SecretStr

from nervesys.errors import SettingsError
from nervesys.settings import fleet, load
from nervesys.settings.yaml import Document, read_yaml
from tests.nervesys.settings.conftest import MakeBrain

ENDPOINT = "storage.storj.endpoint"


def mistakes_of(brain: MakeBrain, files: dict[str, str], environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(brain(**files), environ=environ or {})
    return [str(mistake) for mistake in caught.value.mistakes]


def test_the_shipped_example_is_right() -> None:
    loaded = load()
    assert loaded.warnings == ()
    assert sorted(loaded.agents) == ["chatgpt", "copilot", "deepseek", "gimai", "grok"]


@pytest.mark.parametrize("days", [7, 36])
def test_nothing_may_expire_before_people_had_time_to_notice(brain: MakeBrain, days: int) -> None:
    (message,) = mistakes_of(brain, {"storage": f"storj: {{expire_days: {{active_logs: {days}}}}}"})
    assert f"expire_days.active_logs is {days}: active_logs are kept 7 days" in message
    assert load(brain(storage="storj: {expire_days: {active_logs: 37}}"))


@pytest.mark.parametrize("profile", ["local", "compose", "local,compose"])
def test_the_shipped_profiles_are_right(profile: str) -> None:
    assert load(profile=profile).warnings == ()


def test_later_layers_win_and_say_so(brain: MakeBrain) -> None:
    agents, down = "storage.storj.paths.agents", "thresholds.heartbeat.down_after_seconds"
    tree = brain(
        storage="storj:\n  endpoint: http://brain\n  bucket: brain\n",
        thresholds="heartbeat: {down_after_seconds: 77, stopped_after_seconds: 88}\n",
    )
    environ = {"STORJ_BUCKET": "environment", "NERVESYS_ARCHIVE": "file:///environment"}
    loaded = load(tree, profile="local", environ=environ, flags={"NERVESYS_ARCHIVE": "file:///flag"})
    storage = loaded.settings.storage
    assert loaded.origins[agents].startswith("shipped config/storage.yaml:")
    assert (storage.storj.endpoint, loaded.origins[ENDPOINT]) == ("http://brain", "config/storage.yaml:2")
    assert loaded.settings.thresholds.heartbeat.down_after_seconds == 30
    assert loaded.origins[down].startswith("config/profiles/local.yaml:")
    assert (storage.storj.bucket, loaded.origins["storage.storj.bucket"]) == ("environment", "environment STORJ_BUCKET")
    assert (storage.archive.url, loaded.origins["storage.archive.url"]) == ("file:///flag", "flag NERVESYS_ARCHIVE")


def test_an_agent_is_its_file_over_the_defaults_under_the_profile(brain: MakeBrain) -> None:
    tree = brain(
        agents__default="agent: {role: worker, health: {max_restart_attempts: 9}}",
        agents__grok="agent:\n  name: GROK\n  buffer: {flush_interval_minutes: 7, max_size_mb: 7}\n",
    )
    grok = load(tree, profile="local").agents["grok"]
    assert (grok.role, grok.health.max_restart_attempts, grok.health.restart_on_failure) == ("worker", 9, True)
    assert (grok.buffer.max_size_mb, grok.buffer.flush_interval_minutes) == (7, 0.25)


def test_all_mistakes_at_once_each_with_file_line_and_remedy(brain: MakeBrain) -> None:
    found = mistakes_of(
        brain,
        {
            "storage": "storj:\n  endpont: http://x\n  concurrency: 0\n  paths: {agents: /etc/passwd}\n",
            "thresholds": "cpu:\n  warning: 95\n",
            "grafana": "url: [\n",
            "monitoring": "listen:\n  page: 17001\nlisten:\n  page: 1\n",
            "agents__grok": "agent:\n  name: deepseek\n  buffer: {max_size_mb: -1}\n",
            "agents__gimai": "agent:\n  name: other\n",
        },
        {"STORJ_REGION": "x", "STORJ_REGION_FILE": "y", "GITHUB_TOKEN_FILE": "/no/such/file"},
    )
    assert found == [
        "config/monitoring.yaml:3: listen: this key stands here twice",
        "config/grafana.yaml:2: not YAML: did not find expected node content",
        "STORJ_REGION: STORJ_REGION and STORJ_REGION_FILE are both set; keep one",
        "GITHUB_TOKEN_FILE: read /no/such/file: No such file or directory",
        "config/storage.yaml:4: storage.storj.paths.agents: a template is a relative key without '..'",
        "config/storage.yaml:3: storage.storj.concurrency: must be greater than or equal to 1",
        "config/storage.yaml:2: storage.storj.endpont: unknown key; did you mean 'endpoint'?",
        "config/thresholds.yaml:2: thresholds.cpu: warning (95) must lie below critical (90)",
        "config/agents/gimai.yaml:2: agent.name: is 'other', but the file is named 'gimai'; both must be equal",
        "config/agents/grok.yaml:3: agent.buffer.max_size_mb: must be greater than 0",
    ]


def test_a_threshold_that_no_agent_would_live_to_see_is_a_mistake(brain: MakeBrain) -> None:
    found = mistakes_of(
        brain,
        {
            "thresholds": "heartbeat: {down_after_seconds: 9999999999}\ncpu: {over_minutes: 9999999999}\n",
            "agents__grok": "agent:\n  name: grok\n  thresholds: {logs_late_seconds: 1.0e+300}\n",
        },
    )
    assert found == [
        "config/thresholds.yaml:1: thresholds.heartbeat.down_after_seconds: must be less than or equal to 315360000",
        "config/thresholds.yaml:2: thresholds.cpu.over_minutes: must be less than or equal to 5256000",
        "config/agents/grok.yaml:3: agent.thresholds.logs_late_seconds: must be less than or equal to 315360000",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("a: [1", "not YAML", id="unclosed"),
        pytest.param("- a\n- b", "a mapping of keys is expected", id="a list"),
        pytest.param("a: !!python/object:os.system {}", "not YAML", id="a tag that would build an object"),
        pytest.param("a: 1\na: 2", "stands here twice", id="a key twice"),
        pytest.param(f"a: {'x' * (1 << 20)}", "larger than 1 MiB", id="too large"),
        pytest.param("a: \x01", "not YAML", id="a control character"),
        pytest.param("[" * 2000, "not YAML", id="nested without end"),
        pytest.param("- " * 500_000, "nested more than 500 levels", id="lists so deep that libyaml would overflow"),
        pytest.param("{" * 1_000_000, "not YAML", id="mappings so deep that libyaml would overflow"),
    ],
)
def test_a_file_that_is_not_settings(brain: MakeBrain, text: str, problem: str) -> None:
    (mistake, *_) = mistakes_of(brain, {"storage": text})
    assert mistake.startswith("config/storage.yaml")
    assert problem in mistake


def test_a_file_of_aliases_does_not_explode(brain: MakeBrain) -> None:
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
    assert "more than" in mistakes_of(brain, {"storage": bomb})[0]


def test_only_changed_files_of_agents_are_parsed_again(brain: MakeBrain, monkeypatch: pytest.MonkeyPatch) -> None:
    load(brain(agents__ada="agent: {role: first}", agents__bob="agent: {role: first}"))
    parsed: list[str] = []

    def read(body: bytes, where: str) -> Document:
        parsed.append(where)
        return read_yaml(body, where)

    monkeypatch.setattr(fleet, "read_yaml", read)
    changed = load(brain(agents__bob="agent: {role: second}"))
    assert parsed == ["config/agents/bob.yaml"]
    assert {name: agent.role for name, agent in changed.agents.items()} == {"ada": "first", "bob": "second"}


class TestExpansion:
    def test_a_name_is_expanded_where_it_belongs(self, brain: MakeBrain) -> None:
        tree = brain(storage="storj: {endpoint: '${STORJ_ENDPOINT}'}")
        assert load(tree, environ={"STORJ_ENDPOINT": "http://here"}).settings.storage.storj.endpoint == "http://here"

    def test_a_value_that_is_awaited_and_does_not_come(self, brain: MakeBrain) -> None:
        (mistake,) = mistakes_of(brain, {"storage": "storj:\n  bucket: ${STORJ_BUCKET}\n"})
        remedy = "set STORJ_BUCKET or STORJ_BUCKET_FILE in the environment"
        assert mistake == f"config/storage.yaml:2: storage.storj.bucket: {remedy}"

    @pytest.mark.parametrize(
        ("files", "where"),
        [
            ({"storage": "storj: {endpoint: 'http://evil/${STORJ_SECRET_KEY}'}"}, "storage.storj.endpoint"),
            ({"storage": "storj: {endpoint: '${STORJ_SECRET_KEY}'}"}, "storage.storj.endpoint"),
            ({"grafana": "url: ${GITHUB_TOKEN}"}, "grafana.url"),
            ({"alibaba": "alibaba_cloud: {base_url: '${HOME}'}"}, "alibaba.alibaba_cloud.base_url"),
            ({"storage": "storj: {secret_key: 'x${STORJ_SECRET_KEY}'}"}, "storage.storj.secret_key"),
        ],
    )
    def test_no_name_goes_elsewhere(self, brain: MakeBrain, files: dict[str, str], where: str) -> None:
        found = mistakes_of(brain, files, {"STORJ_SECRET_KEY": "hunter2", "GITHUB_TOKEN": "hunter2"})
        assert len(found) == 1
        assert f" {where}: " in found[0]
        assert "may not be expanded here" in found[0]
        assert "hunter2" not in found[0]

    def test_a_secret_comes_from_a_file_and_stays_covered(self, brain: MakeBrain, tmp_path: Path) -> None:
        (tmp_path / "key").write_text("hunter2\n")
        loaded = load(brain(), environ={"STORJ_SECRET_KEY_FILE": str(tmp_path / "key")})
        assert loaded.settings.storage.storj.secret_key == SecretStr("hunter2")
        assert loaded.origins["storage.storj.secret_key"] == "environment STORJ_SECRET_KEY_FILE"
        assert "hunter2" not in repr(loaded)

    @pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * 100_001], ids=["not text", "too long"])
    def test_a_file_that_holds_no_secret(self, brain: MakeBrain, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "key").write_bytes(content)
        (mistake,) = mistakes_of(brain, {}, {"STORJ_SECRET_KEY_FILE": str(tmp_path / "key")})
        assert mistake.endswith("not a short text")


def test_a_profile_that_does_not_exist(brain: MakeBrain) -> None:
    with pytest.raises(SettingsError, match="no profile named 'locl'; did you mean 'local'"):
        load(brain(), profile="locl")


def test_a_profile_with_an_unknown_section(brain: MakeBrain) -> None:
    tree = brain(profiles__mine="storge: {}\n")
    with pytest.raises(
        SettingsError, match=r"config/profiles/mine.yaml:1: storge: unknown key; did you mean 'storage'"
    ):
        load(tree, profile="mine")


@pytest.mark.parametrize(
    ("grafana", "url"),
    [
        ("", "http://127.0.0.1:17080/logs?agent=grok&from=1500&to=2500"),
        (
            "https://grafana.example.org/",
            "https://grafana.example.org/d/agent-details?var-agent_name=grok&from=1500&to=2500",
        ),
    ],
)
def test_logs_are_read_on_our_own_page_or_in_grafana(grafana: str, url: str) -> None:
    settings = load().settings
    there = settings.model_copy(update={"grafana": settings.grafana.model_copy(update={"url": grafana})})
    assert there.logs_url("grok", 1.5, 2.5) == url


def test_agents_share_the_sections_in_which_they_do_not_differ(brain: MakeBrain) -> None:
    files = {f"agents__agent-{number}": f"agent: {{name: agent-{number}}}" for number in range(3)}
    files["agents__agent-2"] = "agent: {name: agent-2, buffer: {max_size_mb: 7}}"
    first, second, third = load(brain(**files)).agents.values()
    assert first.buffer is second.buffer
    assert third.buffer.max_size_mb == 7 != first.buffer.max_size_mb
    assert third.bootstrap is first.bootstrap
