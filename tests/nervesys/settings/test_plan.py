"""The files that the plan shows, word for word, and what existing brains have in their place.

Covers: nervesys.settings.alibaba, nervesys.settings.datasources.
"""

import pytest

from nervesys.errors import SettingsError
from nervesys.settings import FolderTree, Loaded, load
from tests.nervesys.settings.conftest import PLAN, MakeBrain

ENVIRON = {
    "ALIBABA_API_KEY": "sk-1",
    "GRAFANA_API_KEY": "glsa-1",
    "STORJ_ENDPOINT": "https://gateway.here",
    "GDRIVE_FOLDER_ID": "folder",
}
CLOUD = "alibaba.alibaba_cloud."


def mistakes_of(brain: MakeBrain, **files: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(brain(**files))
    return [str(mistake) for mistake in caught.value.mistakes]


def warnings_of(loaded: Loaded) -> list[str]:
    return [str(warning) for warning in loaded.warnings]


def test_the_blocks_of_the_plan_load_as_they_stand() -> None:
    loaded = load(FolderTree(PLAN), environ=ENVIRON)
    settings, origins = loaded.settings, loaded.origins
    assert loaded.warnings == ()
    cloud = settings.alibaba.alibaba_cloud
    assert (cloud.enabled, cloud.model) == (True, "qwen-max")
    assert cloud.api_key is not None
    assert cloud.api_key.get_secret_value() == "sk-1"
    assert cloud.use_for == ("edge_analysis", "log_summarization", "anomaly_detection", "report_generation")
    assert cloud.triggers == ("on_error_log", "daily_summary")
    assert settings.grafana.url == "https://grafana.yourdomain.com"
    assert settings.grafana.api_key is not None
    assert settings.grafana.api_key.get_secret_value() == "glsa-1"
    assert (settings.storage.storj.endpoint, settings.storage.storj.bucket) == (
        "https://gateway.here",
        "owalai-production",
    )
    assert settings.storage.brain.repository == "bitonpro/nervesys"
    assert settings.storage.archive.folder_id == "folder"
    assert origins["storage.storj.bucket"] == "config/grafana.yaml:10"
    assert origins["grafana.url"] == "config/grafana.yaml:3"


def test_a_budget_is_no_length_of_an_answer() -> None:
    loaded = load(FolderTree(PLAN), environ=ENVIRON)
    cloud = loaded.settings.alibaba.alibaba_cloud
    assert (cloud.tokens_per_day, cloud.max_tokens) == (1_000_000, 1000)
    assert loaded.origins[f"{CLOUD}tokens_per_day"] == "config/alibaba.yaml:6"


def test_a_budget_beside_it_stays(brain: MakeBrain) -> None:
    text = "alibaba_cloud: {max_tokens: 1000000, tokens_per_day: 70000}"
    cloud = load(brain(alibaba=text)).settings.alibaba.alibaba_cloud
    assert (cloud.tokens_per_day, cloud.max_tokens) == (70_000, 1000)


def test_variables_that_are_not_set_leave_the_defaults_and_a_warning() -> None:
    loaded = load(FolderTree(PLAN))
    assert loaded.settings.storage.storj.endpoint == "https://gateway.storjshare.io"
    (warning,) = warnings_of(loaded)
    assert warning.startswith("config/alibaba.yaml:3: alibaba_cloud.api_key: the model is enabled and has no key: set ")
    assert warning.endswith("set ALIBABA_API_KEY or ALIBABA_API_KEY_FILE in the environment")


@pytest.mark.parametrize(("url", "warned"), [("http://127.0.0.1:11434/v1", False), ("https://model.example", True)])
def test_a_model_on_this_machine_needs_no_key(brain: MakeBrain, url: str, warned: bool) -> None:
    loaded = load(brain(alibaba=f"alibaba_cloud: {{enabled: true, api_key: null, base_url: '{url}'}}"))
    assert bool(loaded.warnings) is warned


def test_a_data_source_that_contradicts_the_storage_is_a_warning_and_has_no_effect(brain: MakeBrain) -> None:
    loaded = load(
        brain(
            storage="storj:\n  bucket: ours\n",
            grafana="datasources:\n  - {name: a, type: s3, bucket: theirs}\n  - {name: b, type: github, repo: a/b}\n",
        )
    )
    assert loaded.settings.storage.storj.bucket == "ours"
    assert loaded.settings.storage.brain.repository == "a/b"
    (warning,) = warnings_of(loaded)
    assert warning.startswith("config/grafana.yaml:2: storage.storj.bucket: has no effect: config/storage.yaml:2 has ")


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (
            {"grafana": "grafana:\n  datasources:\n  - {type: s33}"},
            "config/grafana.yaml:3: datasources.0.type: unknown type 's33'; did you mean 's3'?",
        ),
        (
            {"grafana": "grafana:\n  datasources:\n  - type: s3\n    buckt: x"},
            "config/grafana.yaml:4: datasources.0.buckt: unknown key; did you mean 'bucket'?",
        ),
        ({"grafana": "grafana:\n  datasources: s3"}, "config/grafana.yaml:2: datasources: a list is expected"),
        ({"grafana": "grafana:\n  ulr: x"}, "config/grafana.yaml:2: grafana.ulr: unknown key; did you mean 'url'?"),
        (
            {"grafana": "grafana:\n  datasources:\n  - {type: s3, bucket: '${STORJ_SECRET_KEY}'}"},
            "${STORJ_SECRET_KEY} may not be expanded here",
        ),
        (
            {"alibaba": "alibaba_cloud:\n  use_for:\n    - edge_analysys: true\n"},
            "config/alibaba.yaml:2: alibaba.alibaba_cloud.use_for.0: unknown use 'edge_analysys'; did you mean 'edge_",
        ),
        (
            {"alibaba": "alibaba:\n  use_cases: {eror_analysis: {enabled: true}}\n"},
            "unknown use 'eror_analysis'; did you mean 'error_analysis'?",
        ),
    ],
)
def test_an_unknown_word_is_a_mistake_with_the_nearest(brain: MakeBrain, files: dict[str, str], problem: str) -> None:
    (found,) = mistakes_of(brain, **files)
    assert problem in found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[error_analysis, daily_summary]", ("error_analysis", "daily_summary")),
        ("[error_analysis: true, daily_summary: false]", ("error_analysis",)),
        ("{error_analysis: true, daily_summary: {enabled: true}}", ("error_analysis", "daily_summary")),
        ("{error_analysis: {enabled: false}, daily_summary: null}", ()),
        ("[]", ()),
    ],
)
def test_uses_are_names_or_switches(brain: MakeBrain, text: str, expected: tuple[str, ...]) -> None:
    loaded = load(brain(alibaba=f"alibaba_cloud: {{use_for: {text}}}"))
    assert loaded.settings.alibaba.alibaba_cloud.use_for == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[error, daily]", ("error", "daily")),
        ("{on_error: {action: analyze}, on_start: false}", ("on_error",)),
        ("[{event: error_detected, action: analyze}]", ("error_detected",)),
    ],
)
def test_triggers_of_existing_brains_are_names_or_mappings(
    brain: MakeBrain, text: str, expected: tuple[str, ...]
) -> None:
    loaded = load(brain(alibaba=f"alibaba: {{triggers: {text}}}"))
    assert loaded.settings.alibaba.alibaba_cloud.triggers == expected
