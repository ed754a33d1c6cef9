"""The summary of a day's logs in the archive."""

from pathlib import Path

import pytest

from nervesys.agent.round import DailyRound, Leader, open_describer, open_summarizer
from nervesys.agent.round.log_summary import count_patterns, summarize_nothing
from nervesys.contract import DailySummary
from nervesys.settings import FolderTree, load
from nervesys.settings.alibaba import AlibabaCloud
from nervesys.stores.brain import GitBrain
from tests.brains import write
from tests.nervesys.agent.round.kit import NOW, World, line
from tests.nervesys.agent.round.test_daily import TREE, YESTERDAY
from tests.nervesys.settings.conftest import PLAN
from tests.servers.model import ModelServer, model_server


def cloud_for(model: ModelServer, *uses: str) -> AlibabaCloud:
    return load().settings.alibaba.alibaba_cloud.model_copy(
        update={"enabled": True, "base_url": model.url, "use_for": uses}
    )


def leader(folder: Path) -> Leader:
    write(folder / "brain.git", {"x": b""})
    return Leader(GitBrain(str(folder / "brain.git"), folder / "mirror", timeout_seconds=30), "grok", lambda: NOW)


def test_patterns_are_records_without_numbers_most_frequent_first() -> None:
    lines = [line(YESTERDAY, f"activity polled page {number}") for number in range(3)]
    lines += [line(YESTERDAY, "errors boom"), b"no record\n"]
    assert [(pattern.text, pattern.records) for pattern in count_patterns(lines)] == [
        (": polled page #", 3),
        (": boom", 1),
    ]


@pytest.mark.parametrize(
    ("use", "calls", "in_archive"),
    [
        ("log_summarization", 1, True),
        ("report_generation", 1, False),
        ("daily_summary", 1, False),
        ("error_analysis", 0, False),
    ],
)
def test_each_use_of_the_round_asks_once_a_day(use: str, calls: int, in_archive: bool, tmp_path: Path) -> None:
    world = World(tmp_path / "world")
    world.ship(YESTERDAY, "activity polled page 1", "activity polled page 2", "errors boom")
    file = world.cold / f"Documentation/logs/{YESTERDAY}_summary.md"
    with model_server() as model:
        model.content = "A quiet day."
        cloud, memory = cloud_for(model, use), tmp_path / "memory.sqlite3"
        for _ in range(2):
            words, log_words = open_describer(cloud, memory, lambda: NOW), open_summarizer(cloud, memory, lambda: NOW)
            DailyRound(world.round(), TREE, leader(tmp_path), words=words, log_words=log_words).run(
                list[str]().append, again=True
            )
        assert len(model.asked) == calls
    assert file.exists() is in_archive
    if in_archive:
        assert file.read_text().startswith(f"# Logs of {YESTERDAY}\n\nA quiet day.\n\n## Patterns\n")
        assert "| 2 | " in file.read_text()
        assert "polled page #" in model.asked[0]["messages"][1]["content"]


def test_without_an_answer_there_is_no_summary_and_the_round_goes_on(tmp_path: Path) -> None:
    world, messages = World(tmp_path / "world"), list[str]()
    world.ship(YESTERDAY, "errors boom")
    with model_server() as model:
        model.status = 500
        log_words = open_summarizer(cloud_for(model, "log_summarization"), tmp_path / "memory", lambda: NOW)
        assert DailyRound(world.round(), TREE, leader(tmp_path), log_words=log_words).run(messages.append) == []
    assert f"no summary of the logs of {YESTERDAY}: ask qwen-plus at {model.url}: status 500" in messages


def test_a_model_that_is_off_summarizes_nothing(tmp_path: Path) -> None:
    cloud = load().settings.alibaba.alibaba_cloud.model_copy(update={"use_for": ("log_summarization",)})
    assert open_summarizer(cloud, tmp_path / "memory", lambda: NOW) is summarize_nothing
    assert open_describer(cloud, tmp_path / "memory", lambda: NOW)(DailySummary(date=YESTERDAY), print) is None


def test_the_budget_of_the_plan_lets_the_model_be_asked(tmp_path: Path) -> None:
    with model_server() as model:
        model.content = "A quiet day."
        cloud = load(FolderTree(PLAN), environ={"ALIBABA_API_KEY": "sk-1"}).settings.alibaba.alibaba_cloud
        describe = open_describer(cloud.model_copy(update={"base_url": model.url}), tmp_path / "memory", lambda: NOW)
        assert describe(DailySummary(date=YESTERDAY), print) == "A quiet day."
    assert [request["max_tokens"] for request in model.asked] == [1000]
    assert model.keys == ["Bearer sk-1"]
