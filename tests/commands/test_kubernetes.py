"""`nervesys kubernetes build`: the committed manifests are current; places are kept; what pods cannot use is named."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.commands.conftest import Run

ROOT = Path(__file__).parents[2]


def test_the_committed_manifests_are_current(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = run("kubernetes", "build", "--check")
    assert result.code == 0, f"{result.out}\ntype: make generate"


def brain(folder: Path, monitoring: dict[str, Any], agents: dict[str, Any] | None = None) -> str:
    """A brain that is a folder, with its Git URL in the settings unless these have another."""
    (folder / "config/agents").mkdir(parents=True, exist_ok=True)
    kubernetes = {"brain": "https://git.example.org/brain", **monitoring.pop("kubernetes", {})}
    (folder / "config/monitoring.yaml").write_text(yaml.safe_dump({**monitoring, "kubernetes": kubernetes}))
    for name, agent in (agents or {"ada": {}, "bob": {}}).items():
        (folder / f"config/agents/{name}.yaml").write_text(yaml.safe_dump({"agent": agent}))
    return str(folder)


def test_a_new_agent_gets_a_pod_of_its_own_and_the_others_keep_theirs(run: Run, tmp_path: Path) -> None:
    words = ("kubernetes", "build", "--overlay", "small", "--out", str(tmp_path / "out"), "--brain")
    assert run(*words, brain(tmp_path, {})).code == 0
    (tmp_path / "config/profiles").mkdir()
    profile = yaml.safe_load((ROOT / "config/profiles/kubernetes.yaml").read_text())
    del profile["agent"]  # it would win over the agents' own files
    (tmp_path / "config/profiles/kubernetes.yaml").write_text(yaml.safe_dump(profile))
    pod = {"restart": {"driver": "pod"}}
    brain(tmp_path, {}, {"ada": pod, "bob": pod})
    again = run(*words, brain(tmp_path, {}, {"aaron": pod, "elsewhere": {"restart": {"driver": "systemd"}}}))
    assert again.code == 0, again.err
    assert places(tmp_path) == {"agents-0": "ada", "agents-1": "bob", "agents-2": "aaron"}
    assert not (tmp_path / "out/overlays/large").exists()
    (tmp_path / "config/agents/ada.yaml").unlink()
    moved = run(*words, str(tmp_path))
    assert places(tmp_path) == {"agents-0": "aaron", "agents-1": "bob"}
    assert "agents-0 now runs aaron in place of ada: kubectl delete pod agents-0" in moved.err


@pytest.mark.parametrize(
    "text", ["<<<<<<< HEAD\n: [\n", "a: 1\n", "kind: ConfigMap\nmetadata: {name: nervesys-agents}\ndata: {x: y}\n"]
)
def test_places_that_cannot_be_read_are_an_error_and_move_no_agent(run: Run, tmp_path: Path, text: str) -> None:
    (tmp_path / "out/base").mkdir(parents=True)
    (tmp_path / "out/base/agents.yaml").write_text(text)
    result = run(
        "kubernetes", "build", "--overlay", "small", "--out", str(tmp_path / "out"), "--brain", brain(tmp_path, {})
    )
    assert result.code == 1
    assert f"read the agents' pods from {tmp_path}/out/base/agents.yaml" in result.err
    assert (tmp_path / "out/base/agents.yaml").read_text() == text


def test_only_generated_files_are_deleted(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "overlays/small"
    folder.mkdir(parents=True)
    generated = (ROOT / "provisioning/kubernetes/overlays/small/budgets.yaml").read_text()
    (folder / "old.yaml").write_text(generated)
    (folder / "patch.yaml").write_text("kind: Ingress\n")
    assert run("kubernetes", "build", "--overlay", "small", "--out", str(tmp_path)).code == 0
    assert [(folder / name).exists() for name in ("old.yaml", "patch.yaml")] == [False, True]


def places(folder: Path) -> Any:
    return next(yaml.safe_load_all((folder / "out/base/agents.yaml").read_text()))["data"]


def test_a_dry_run_prints_what_would_be_applied(run: Run, tmp_path: Path) -> None:
    result = run("kubernetes", "build", "--overlay", "small", "--dry-run", "--out", str(tmp_path / "out"))
    assert result.code == 0
    kinds = [each["kind"] for each in yaml.safe_load_all(result.out)]
    assert {"Namespace", "StatefulSet", "NetworkPolicy"} <= set(kinds)
    assert "Kustomization" not in kinds
    assert not (tmp_path / "out").exists()
    assert "name it with --overlay" in " ".join(run("kubernetes", "build", "--dry-run").err.replace("│", "").split())


def test_settings_of_the_manifests_reach_them(run: Run, tmp_path: Path) -> None:
    settings = {
        "namespace": "fleet",
        "image": "registry.example.org/nervesys:1",
        "storage_class": "fast",
        "secret_store": {"name": "vault", "prefix": "nervesys/"},
        "environment": {"STORJ_ENDPOINT": "http://s3.example.org"},
        "resources": {"receiver": {"cpu": "1", "memory": "2Gi", "volume": "9Gi"}},
    }
    folder = brain(tmp_path, {"kubernetes": settings, "sources": {"artifacts": {"enabled": False}}})
    result = run("kubernetes", "build", "--overlay", "small", "--dry-run", "--brain", folder)
    assert result.code == 0, result.err
    every = list(yaml.safe_load_all(result.out))
    assert {each["metadata"].get("namespace", "fleet") for each in every} == {"fleet"}
    (receiver,) = (each for each in every if each["kind"] == "StatefulSet" and each["metadata"]["name"] == "receiver")
    (container,) = receiver["spec"]["template"]["spec"]["containers"]
    assert (container["image"], container["resources"]["limits"]["memory"]) == (settings["image"], "2Gi")
    claim = receiver["spec"]["volumeClaimTemplates"][0]["spec"]
    assert (claim["storageClassName"], claim["resources"]["requests"]["storage"]) == ("fast", "9Gi")
    variables = next(each["data"] for each in every if each["metadata"]["name"] == "nervesys-environment")
    assert variables["STORJ_ENDPOINT"] == "http://s3.example.org"
    assert variables["NERVESYS_BRAIN"] == "https://git.example.org/brain"
    secrets = {
        each["metadata"]["name"]: each["spec"]["dataFrom"][0]["extract"]["key"]
        for each in every
        if each["kind"] == "ExternalSecret"
    }
    names = ("nervesys-exporters", "nervesys-receiver", "nervesys-agents", "nervesys-alertmanager")
    assert secrets == {name: f"nervesys/{name}" for name in names}
    token = {"name": "GITHUB_TOKEN_FILE", "value": "/secrets/keys/github_token"}
    assert token in container["env"], "the brain is fetched by https"


def test_shards_follow_the_brain(run: Run, tmp_path: Path) -> None:
    folder = brain(tmp_path, {"sources": {"store": {"shards": 4}}})
    for overlay in ("small", "large"):
        result = run("kubernetes", "build", "--overlay", overlay, "--dry-run", "--brain", folder)
        objects = {each["metadata"]["name"]: each for each in yaml.safe_load_all(result.out) if "Set" in each["kind"]}
        assert objects["store-exporter"]["spec"]["replicas"] == 4
        (container,) = objects["store-exporter"]["spec"]["template"]["spec"]["containers"]
        assert "--shard=$(SHARD)/4" in container["args"]
        assert 'count by (job) (up{job="store"}) < 4' in result.out, "a shard that is not discovered is an alert"
        if overlay == "small":
            assert "- store-exporter-4.store-exporter:17001" in result.out


@pytest.mark.parametrize(
    ("monitoring", "words"),
    [
        pytest.param({"kubernetes": {"brain": None}}, "monitoring.kubernetes.brain is missing", id="a folder"),
        pytest.param({"web": {"tls_cert_file": "/cert", "tls_key_file": "/key"}}, "let an ingress", id="TLS"),
    ],
)
def test_what_pods_cannot_use_is_an_error(run: Run, tmp_path: Path, monitoring: dict[str, Any], words: str) -> None:
    result = run("kubernetes", "build", "--overlay", "small", "--dry-run", "--brain", brain(tmp_path, monitoring))
    assert result.code != 0
    assert words in " ".join(result.err.split())
    assert "Traceback" not in result.err
