"""The files that GitHub reads, against the schemas that check-jsonschema ships."""

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
SCHEMAS = {
    **dict.fromkeys(WORKFLOWS, "github-workflows"),
    **dict.fromkeys(FORMS, "github-issue-forms"),
    GITHUB / "ISSUE_TEMPLATE" / "config.yml": "github-issue-config",
    GITHUB / "dependabot.yml": "dependabot",
}
PINNED = re.compile(r"^[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+(\.\d+)*$")


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_each_file_follows_its_schema(path: Path) -> None:
    schema = files("check_jsonschema").joinpath(f"builtin_schemas/vendor/{SCHEMAS[path]}.json").read_text()
    content = yaml.safe_load(path.read_text())
    if True in content:
        content["on"] = content.pop(True)  # YAML 1.1 reads the key `on` as a boolean
    assert [error.message for error in Draft7Validator(json.loads(schema)).iter_errors(content)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_to_a_commit(path: Path) -> None:
    used = re.findall(r"uses: (.+)", path.read_text())
    assert used
    assert [action for action in used if not PINNED.match(action)] == []


def test_the_matrix_has_the_oldest_python_that_the_package_permits() -> None:
    matrix = yaml.safe_load((GITHUB / "workflows" / "ci.yml").read_text())["jobs"]["test"]["strategy"]["matrix"]
    assert f'requires-python = ">={matrix["python"][0]}"' in (ROOT / "pyproject.toml").read_text()


def test_only_the_job_that_publishes_may_sign_in_to_the_package_index() -> None:
    workflow = yaml.safe_load((GITHUB / "workflows" / "release.yml").read_text())
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["jobs"]["publish"]["permissions"] == {"id-token": "write"}
    assert "password" not in json.dumps(workflow["jobs"]["publish"])
