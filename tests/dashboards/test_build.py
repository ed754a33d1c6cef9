import json
from pathlib import Path

import pytest

import dashboards
from dashboards.build import files
from dashboards.recording import FILE
from nervesys.settings import Loaded, load

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "provisioning"


def test_every_page_is_listed() -> None:
    files = Path(dashboards.__file__).parent.glob("*.py")
    assert set(dashboards.DASHBOARDS) == {file.stem for file in files if "def dashboard(" in file.read_text()}


def test_the_same_settings_make_the_same_bytes(loaded: Loaded) -> None:
    assert files(loaded) == files(load())


def test_what_is_committed_is_fresh_and_nothing_else_lies_there() -> None:
    made = files(load(profile="local,compose"))
    lying = {
        file.relative_to(COMMITTED).as_posix(): file
        for file in [*COMMITTED.glob("grafana/**/*"), COMMITTED / FILE]
        if file.is_file()
    }
    assert sorted(made) == sorted(lying)
    assert [name for name in made if made[name] != lying[name].read_text()] == [], "run `make generate`"


def test_files_say_where_they_come_from(loaded: Loaded) -> None:
    for name, text in files(loaded).items():
        first_text = json.loads(text)["description"] if name.endswith(".json") else text.splitlines()[0]
        assert "nervesys dashboards build" in first_text, name
        assert text.endswith("\n")


def test_settings_reach_the_files() -> None:
    flags = {"NERVESYS_ARCHIVE": "file:///archive"}
    local = files(load(profile="local", flags=flags))
    assert "timeInterval: 5s" in local["grafana/datasources/nervesys.yaml"]
    assert "timeInterval: 1m" in files(load())["grafana/datasources/nervesys.yaml"]
    assert json.loads(local["grafana/dashboards/main-overview.json"])["refresh"] == "5s"


@pytest.mark.parametrize(("profile", "live"), [("local", "now-30m"), ("local,compose", "now-30m"), (None, "now-6h")])
def test_a_stack_that_was_just_started_opens_with_a_range_that_is_full(profile: str | None, live: str) -> None:
    made = files(load(profile=profile, flags={"NERVESYS_ARCHIVE": "file:///archive"}))
    opened = {
        name: json.loads(made[f"grafana/dashboards/{name}.json"])["time"]["from"]
        for name in ("main-overview", "historical-trends", "service-levels")
    }
    assert opened == {"main-overview": live, "historical-trends": "now-90d", "service-levels": "now-7d"}
