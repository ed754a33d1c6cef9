"""The example of docs/how-to/add-a-source.md, run as it stands."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from exporters.runner import Runner
from nervesys.settings import StartupSettings
from nervesys.settings.monitoring import SourceSettings
from nervesys.settings.yaml import read_yaml
from tests.exporters.kit import HandClock, context
from tests.exporters.store.bucket import read_series

PAGE = Path(__file__).parents[2] / "docs/how-to/add-a-source.md"


def example(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
def runner(tmp_path: Path) -> Callable[[Path], Runner]:
    module = ModuleType("exporters.disk")
    exec(compile(example("python"), "exporters/disk.py", "exec"), module.__dict__)  # our own page
    row = SourceSettings.model_validate(read_yaml(example("yaml").encode(), "page").data["sources"]["disk"])
    opened = context(HandClock(), source="disk")
    monitoring = opened.settings.monitoring
    sources = monitoring.model_copy(update={"sources": {**monitoring.sources, "disk": row}})
    settings = opened.settings.model_copy(update={"monitoring": sources})
    return lambda home: Runner(module.SOURCE, replace(opened, settings=settings, place=StartupSettings(home)))


def test_one_file_and_one_row_make_a_source(runner: Callable[[Path], Runner], tmp_path: Path) -> None:
    made = runner(tmp_path)
    assert made.run_once("disk"), made.problems()
    seen = read_series(made.snapshot().plain)
    assert seen['disk_free_bytes{folder="home"}'] > 0
    assert seen['exporter_up{area="disk",source="disk"}'] == 1


def test_it_fails_as_the_page_says(runner: Callable[[Path], Runner], tmp_path: Path) -> None:
    made = runner(tmp_path / "nowhere")
    assert not made.run_once("disk")
    assert made.problems() == f"disk: read the free space of {tmp_path / 'nowhere'}: No such file or directory"
