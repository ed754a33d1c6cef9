"""LangGraph's checkpointer of an agent, with a real graph that is interrupted, and resumed by another process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from sqlalchemy import make_url

from nervesys.agent.checkpointer import Checkpointer, checkpoints_url
from nervesys.errors import NervesysError, SettingsError
from tests.servers.postgres import Postgres

THREAD: Any = {"configurable": {"thread_id": "sprint-12"}}


class Draft(TypedDict):
    text: str


def review_graph(checkpointer: Checkpointer) -> Any:
    """Writes a draft, and waits for somebody to approve it."""

    def write(_: Draft) -> Draft:
        return {"text": "draft"}

    def approve(draft: Draft) -> Draft:
        return {"text": f"{draft['text']}, {interrupt('approve?')}"}

    graph: Any = StateGraph(Draft)
    graph.add_node("write", write)
    graph.add_node("approve", approve)
    graph.add_edge(START, "write")
    graph.add_edge("write", "approve")
    graph.add_edge("approve", END)
    return graph.compile(checkpointer=checkpointer.open())


def interrupt_and_resume(make: Callable[[], Checkpointer]) -> str:
    """The text of the graph, which one checkpointer interrupts and another one resumes."""
    before, after = make(), make()
    stopped = review_graph(before).invoke({"text": ""}, THREAD)
    assert "__interrupt__" in stopped
    before.close()
    text: str = review_graph(after).invoke(Command(resume="approved"), THREAD)["text"]
    after.close()
    return text


def unused(name: str) -> Path:
    pytest.fail(f"the agent's own database {name} was asked for")


def test_without_a_url_checkpoints_are_in_the_agents_own_database(tmp_path: Path) -> None:
    names: list[str] = []

    def own(name: str) -> Path:
        names.append(name)
        return tmp_path / f"{name}.sqlite3"

    assert interrupt_and_resume(lambda: Checkpointer({}, own)) == "draft, approved"
    assert set(names) == {"checkpoints"}
    assert (tmp_path / "checkpoints.sqlite3").stat().st_size > 0


def test_one_line_of_configuration_chooses_sqlite(tmp_path: Path) -> None:
    environ = {"DATABASE_URL": f"sqlite:///{tmp_path}/graph.sqlite3"}
    assert interrupt_and_resume(lambda: Checkpointer(environ, unused)) == "draft, approved"


def test_one_line_of_configuration_chooses_postgresql(postgresql: Postgres) -> None:
    url = make_url(postgresql.database()).set(drivername="postgresql").render_as_string(hide_password=False)
    assert interrupt_and_resume(lambda: Checkpointer({"DATABASE_URL": url}, unused)) == "draft, approved"


def test_a_url_of_another_program_is_left_alone_and_ours_wins(tmp_path: Path) -> None:
    assert checkpoints_url({"DATABASE_URL": "mysql://elsewhere"}) is None
    (tmp_path / "url").write_text("sqlite:///secret.sqlite3\n")
    environ = {"DATABASE_URL": "sqlite:///other.sqlite3", "NERVESYS_CHECKPOINTS_URL_FILE": str(tmp_path / "url")}
    assert checkpoints_url(environ) == "sqlite:///secret.sqlite3"


def test_a_wrong_url_is_named_without_its_password() -> None:
    with pytest.raises(SettingsError, match="NERVESYS_CHECKPOINTS_URL") as raised:
        checkpoints_url({"NERVESYS_CHECKPOINTS_URL": "mysql://user:hush@host/db"})
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["sqlite:////nonexistent/folder/x.sqlite3", "postgresql://user:hush@127.0.0.1:1/db?connect_timeout=1"]
)
def test_a_database_that_cannot_be_opened_is_an_error_without_its_password(url: str) -> None:
    with pytest.raises(NervesysError, match="open the checkpoints") as raised:
        Checkpointer({"DATABASE_URL": url}, unused).open()
    assert "hush" not in str(raised.value)
