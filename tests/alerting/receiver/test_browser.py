"""The page in a real browser: what people see, and what they do with the keyboard alone, at a desk and on a phone."""

import gzip
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, Route, ViewportSize, expect
from pydantic import SecretStr
from starlette.applications import Starlette

from alerting.drivers.outcome import Cause, Done, Retry
from alerting.receiver.fleet import FleetSource
from alerting.receiver.local import LocalFile
from alerting.receiver.program import Receiver
from nervesys.contract import AgentState, CurrentTask, Status, format_time
from nervesys.metrics.pages import serve_in_background
from nervesys.settings.web import Web
from nervesys.stores.brain import GitBrain
from tests.alerting.receiver.asking import SLACK, Asking, asking
from tests.alerting.receiver.simulation import START, Simulation, a_fleet, agent_down
from tests.alerting.receiver.test_approval_site import link, receiver_of
from tests.brains import write
from tests.servers.chats import chat_servers
from tests.servers.s3 import free_port

TOKEN = "a-secret-token-of-tests"
FLEET = a_fleet("grok", "gimai", "deepseek", max_restart_attempts=2)
NOW = START + 300
PHONE: ViewportSize = {"width": 390, "height": 844}
LAST_ERROR = "<script>document.title = 'mine'</script> out of memory while it read a file of 3 GB\n" + "x" * 300


@dataclass(frozen=True)
class Site:
    """A receiver that is served."""

    url: str
    sim: Simulation


@pytest.fixture(scope="module")
def history_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What each of the sites begins with: grok is escalated, gimai waits, deepseek was healed, and one is unknown."""
    folder = tmp_path_factory.mktemp("history")
    sim = Simulation(folder, FLEET, blast_at_least=9)
    for agent in sim.fleet.agents:
        sim.lives(agent, "one")
    sim.passes(20)
    sim.dies("deepseek")
    sim.driver.effect = lambda agent: sim.lives(agent, "two")
    write_history(sim, "deepseek", 60)
    sim.dies("grok")
    sim.driver.effect = lambda agent: None
    sim.driver.script = [Retry(Cause.REFUSED, "connection refused"), Done("started")]
    logged(sim, "grok")
    task = CurrentTask(name="review", id="#7")
    grok = {"agent_id": "grok", "instance_id": "one", "status": Status.RUNNING, "server": "alpha", "version": "1.4.2"}
    state = AgentState(**grok, timestamp=sim.now, current_task=task, last_error=LAST_ERROR)
    sim.store.put("db/agents/grok_state.json", state.body())
    os.utime(folder / "bucket/db/agents/grok_state.json", (sim.now, sim.now))
    write_history(sim, "grok", 120)
    sim.receive(agent_down("gimai"), agent_down("", alertname="Odd", rejected="unknown_alert", remedies=()))
    sim.journal.close()
    a_brain(folder)
    return folder


@pytest.fixture
def site(history_folder: Path, tmp_path: Path) -> Iterator[Site]:
    """A receiver with a copy of what happened."""
    home = tmp_path / "home"
    shutil.copytree(history_folder, home)
    sim = Simulation(home, FLEET)
    brain = GitBrain(str(history_folder / "brain.git"), home / "mirror", timeout_seconds=10)
    local = LocalFile().model_copy(update={"token": SecretStr(TOKEN)})
    receiver = Receiver(FleetSource(lambda: sim.fleet), local, sim.journal, sim.store, brain, clock=lambda: NOW)
    listen = f"127.0.0.1:{free_port()}"
    with serve_in_background(Starlette(routes=receiver.application().routes), listen, Web()):
        yield Site(f"http://{listen}", sim)


def a_brain(folder: Path) -> None:
    repository, hour = folder / "brain.git", 3600
    write(repository, {"config/thresholds.yaml": b"a: 1"}, when=int(START) - hour, message="Watch the disk\n\nLong.")
    changed = {"config/agents/grok.yaml": b"agent: {}", "README.md": b"Hello"}
    write(repository, changed, when=int(START), author="grace", message="Give grok a larger model")
    write(repository, {"config/agents/gimai.yaml": b"agent: {}"}, when=int(START) + 10 * hour, message="Too late")
    GitBrain(str(repository), folder / "mirror", timeout_seconds=10).fetch()


def logged(sim: Simulation, agent: str) -> None:
    """What the agent shipped before it fell."""
    messages = {"INFO": "opened the repository", "WARN": "low on memory", "ERROR": "<img src=x> cannot read the file"}
    lines = [
        json.dumps({"timestamp": format_time(sim.now), "agent_id": agent, "level": level, "message": message})
        for level, message in messages.items()
    ]
    date = format_time(sim.now)[:10]
    key = f"db/active_logs/alpha/{date}/080000_{agent}_1.jsonl.gz"
    sim.store.put(key, gzip.compress("\n".join(lines).encode()))


def write_history(sim: Simulation, agent: str, seconds: float) -> None:
    """It was silent for long enough, the alert came, and the receiver did what it does."""
    sim.passes(35)
    sim.receive(agent_down(agent, annotations='{"summary": "no heartbeat for 35 s"}'))
    sim.passes(seconds)


def enter(page: Page) -> None:
    """Press what has the focus, and wait for where it leads to."""
    with page.expect_navigation():
        page.keyboard.press("Enter")


def tab_to(page: Page, name: str) -> None:
    """Go on with Tab until the thing of this name has the focus; 60 steps are more than a page has."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if name in page.evaluate("() => `${document.activeElement.name} ${document.activeElement.innerText}`"):
            return
    raise AssertionError(f"Tab never comes to {name}")


def sign_in(page: Page, site: Site) -> None:
    page.goto(site.url)
    tab_to(page, "token")
    page.keyboard.type(TOKEN)
    enter(page)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_the_journal_is_read_and_filtered(site: Site, page: Page, tmp_path: Path) -> None:
    page.goto(site.url)
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(4)
    page.screenshot(path=tmp_path / "journal.png", full_page=True)
    tab_to(page, "state")
    page.keyboard.type("escalated")
    tab_to(page, "Show")
    enter(page)
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("attempts_exhausted")
    expect(page.get_by_label("State")).to_have_value("escalated")


def test_an_episode_is_shown_with_all_details(site: Site, page: Page, tmp_path: Path) -> None:
    page.goto(f"{site.url}/?agent=grok")
    page.locator("tbody td:first-child a").click()
    page.screenshot(path=tmp_path / "episode.png", full_page=True)
    for words in (
        "attempts_exhausted",
        "no_proof",
        "no heartbeat for 35 s",
        "review #7",
        "out of memory",
        "low on memory",
        "<img src=x> cannot read the file",
        "Give grok a larger model",
        "config/agents/grok.yaml",
        "Watch the disk",
        "connection refused",
    ):
        expect(page.locator("main")).to_contain_text(words)
    expect(page.locator("main")).not_to_contain_text("Too late")
    expect(page).to_have_title("restart_agent of grok · receiver")


@pytest.mark.parametrize(
    ("agent", "button", "state"),
    [
        pytest.param("grok", "Retry now", "pending", id="retry"),
        pytest.param("grok", "Acknowledge", "failed", id="acknowledge"),
        pytest.param("gimai", "Cancel", "failed", id="cancel"),
        pytest.param("gimai", "Restart now", "pending", id="restart"),
    ],
)
def test_the_keyboard_is_enough_to_order(site: Site, page: Page, agent: str, button: str, state: str) -> None:
    sign_in(page, site)
    page.goto(f"{site.url}/?agent={agent}")
    page.locator("tbody td:first-child a").focus()
    enter(page)
    tab_to(page, button)
    enter(page)
    expect(page.locator(".state").first).to_have_text(state)
    assert site.sim.states()[agent] == state


def test_an_agent_without_an_episode_is_restarted_from_the_start_page(site: Site, page: Page) -> None:
    sign_in(page, site)
    choice = page.get_by_label("By hand")
    choice.focus()
    page.keyboard.type("deepseek")
    tab_to(page, "Restart now")
    enter(page)
    expect(page.locator("tbody tr").first).to_contain_text("ordered")
    assert site.sim.states()["deepseek"] == "pending"


def test_a_phone_scrolls_one_way_only(site: Site, page: Page, tmp_path: Path) -> None:
    page.set_viewport_size(PHONE)
    sign_in(page, site)
    for name, path in {"journal": "/", "episode": "/episodes/2", "nothing": "/episodes/99"}.items():
        page.goto(f"{site.url}{path}")
        page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
        small = page.locator("button:visible, select:visible, input:visible, nav a:visible")
        assert all((box := item.bounding_box()) and box["height"] >= 24 for item in small.all()), "no finger hits it"


def test_another_site_cannot_order(site: Site, page: Page) -> None:
    """Though the browser holds a session: it does not send it along, and the form's key is known to nobody else."""
    sign_in(page, site)
    form = f"""<form method=post action={site.url}/orders><input name=order value=acknowledge>
        <input name=agent value=grok><input name=episode value=2><input name=key value=guessed>
        <button>Win</button></form>"""

    def elsewhere(route: Route) -> None:
        route.fulfill(body=form, content_type="text/html")

    page.route("http://elsewhere.example/", elsewhere)
    page.goto("http://elsewhere.example/")
    with page.expect_response("**/orders") as answer:
        page.get_by_role("button").click()
    assert answer.value.status == 403
    assert "cookie" not in answer.value.request.all_headers()
    expect(page.get_by_role("alert")).to_contain_text("order from the page itself")
    assert site.sim.states()["grok"] == "escalated"


@pytest.fixture
def asking_site(tmp_path: Path) -> Iterator[tuple[str, Asking]]:
    """A receiver that waits for approval of a restart, and the link of its message."""
    with chat_servers() as chats:
        world = asking(tmp_path / "asking", chats, {"slack": SLACK})
        world.falls()
        logged(world.sim, "grok")
        world.send()
        listen = f"127.0.0.1:{free_port()}"
        with serve_in_background(Starlette(routes=receiver_of(world).application().routes), listen, Web()):
            yield f"http://{listen}{link(world, 'Approve')}", world


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_link_is_answered_on_a_phone(
    asking_site: tuple[str, Asking], scheme: Literal["light", "dark"], page: Page, tmp_path: Path
) -> None:
    url, world = asking_site
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme=scheme)
    page.goto(url)
    page.screenshot(path=tmp_path / "ask.png", full_page=True)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
    button = page.get_by_role("button", name="Approve")
    assert (box := button.bounding_box()) and box["height"] >= 40
    button.click()
    expect(page.get_by_role("status")).to_contain_text("approved by channel slack")
    page.get_by_role("link", name="Follow the episode").click()
    for words in ("it is silent", "<img src=x> cannot read the file", "approve: channel slack", "written by the agent"):
        expect(page.locator("main")).to_contain_text(words)
    page.screenshot(path=tmp_path / "episode.png", full_page=True)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
    page.goto(url)
    expect(page.get_by_role("alert")).to_contain_text("was approved by channel slack")
    assert world.sim.states() == {"grok": "pending"}
