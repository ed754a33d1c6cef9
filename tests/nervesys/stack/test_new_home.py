"""The files of a new fleet: only what differs, every secret a file of its own, and a configuration that loads."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from alerting.receiver.local import LocalFile
from nervesys.settings import load
from nervesys.stack.new_home import (
    ENV_FILE,
    RECEIVER_FILE,
    SECRETS,
    TARGETS,
    FleetAnswers,
    FleetMember,
    PlannedTree,
    brain_files,
    plan_additions,
    plan_files,
)

FOLDER = Path("/srv/fleet")
ANSWERS = FleetAnswers(
    agents=(FleetMember("ada", "web-1"), FleetMember("bob", "web-1")), endpoint="https://s3.example.org", bucket="b"
)


def texts(answers: FleetAnswers) -> dict[str, str]:
    return {path: file.text for path, file in plan_files(answers, FOLDER).items()}


def test_the_brain_loads_and_has_only_what_differs() -> None:
    files = dict(brain_files(replace(ANSWERS, region="eu1", archive="file:///srv/archive")))
    loaded = load(PlannedTree({path: text.encode() for path, text in files.items()}), environ={})
    storage = loaded.settings.storage
    assert (storage.storj.endpoint, storage.storj.bucket, storage.storj.region) == (
        "https://s3.example.org",
        "b",
        "eu1",
    )
    assert {name: agent.server for name, agent in loaded.agents.items()} == {"ada": "web-1", "bob": "web-1"}
    assert list(loaded.settings.sources) == ["store", "archive", "brain", "hygiene"]
    assert loaded.warnings == ()
    assert sum(text.count("\n") for text in files.values()) < 40


def test_without_an_archive_there_is_no_such_source() -> None:
    files = {path: text.encode() for path, text in brain_files(ANSWERS)}
    assert list(load(PlannedTree(files), environ={}).settings.sources) == ["store", "brain", "hygiene"]


@pytest.mark.parametrize("driver", TARGETS)
def test_each_driver_is_one_that_the_receiver_has(driver: str) -> None:
    answers = replace(ANSWERS, driver=driver)
    receiver = LocalFile.model_validate(yaml.safe_load(texts(answers)[RECEIVER_FILE]))
    assert list(receiver.drivers.configured()) == [driver]
    agent = yaml.safe_load(texts(answers)["brain/config/agents/default.yaml"])["agent"]
    assert agent["restart"]["driver"] == driver


def test_a_driver_has_a_url_for_each_server() -> None:
    agents = (FleetMember("ada", "web-1"), FleetMember("bob", "web-2"))
    answers = replace(ANSWERS, agents=agents, urls={"web-2": "http://web-2:9001"})
    LocalFile.model_validate(yaml.safe_load(texts(answers)[RECEIVER_FILE]))
    assert yaml.safe_load(texts(answers)[RECEIVER_FILE])["drivers"]["supervisor"] == {
        "web-1": {"url": "unix:///run/supervisor.sock", "servers": ["web-1"]},
        "web-2": {"url": "http://web-2:9001", "servers": ["web-2"]},
    }


def test_secrets_are_files_that_their_owner_alone_reads_and_the_environment_names_them() -> None:
    answers = replace(ANSWERS, slack="#x", brain_url="https://git.example.org/b", archive="gdrive://F")
    files = plan_files(answers, FOLDER)
    private = {path for path, file in files.items() if file.mode == 0o600}
    assert {ENV_FILE, RECEIVER_FILE, "agent.env"} < private
    empty = {path for path, file in files.items() if file.needs}
    names = ("store_access_key", "store_secret_key", "slack_url", "github_token", "drive_service_account.json")
    assert empty == {f"{SECRETS}/{name}" for name in names}
    assert empty < private
    environment = files[ENV_FILE].text
    assert f"STORJ_ACCESS_KEY_FILE={FOLDER}/{SECRETS}/store_access_key\n" in environment
    assert "NERVESYS_BRAIN=https://git.example.org/b\n" in environment
    assert f"GITHUB_TOKEN_FILE={FOLDER}/{SECRETS}/github_token\n" in environment


def test_what_a_kept_file_lacks_is_named() -> None:
    planned = plan_files(ANSWERS, FOLDER)
    kept = {RECEIVER_FILE: planned[RECEIVER_FILE].text, ENV_FILE: planned[ENV_FILE].text}
    assert plan_additions(ANSWERS, planned, kept) == {}
    more = replace(ANSWERS, agents=(FleetMember("eve", "web-10"),), brain_url="https://git.example.org/b")
    additions = plan_additions(more, plan_files(more, FOLDER), kept)
    assert yaml.safe_load(additions[RECEIVER_FILE])["drivers"]["supervisor"]["servers"] == ["web-10"]
    assert additions[ENV_FILE] == f"GITHUB_TOKEN_FILE={FOLDER}/{SECRETS}/github_token"
    everywhere = {RECEIVER_FILE: "drivers: {kubernetes: {namespace: a, servers: ['*']}}"}
    assert plan_additions(more, planned, everywhere) == {}
