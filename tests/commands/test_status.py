"""What `nervesys status` prints."""

import io

from rich.console import Console

from commands.status import UNKNOWN, _show
from nervesys.stack.status import StackStatus, status_of
from tests.nervesys.stack.test_status import STACK


def shown(found: StackStatus) -> str:
    out = io.StringIO()
    _show(Console(file=out, width=150), found, 100.0)
    return out.getvalue()


def test_names_of_objects_neither_style_the_terminal_nor_end_in_a_traceback() -> None:
    names = ["[red]x", "[link=https://evil.example]y", "\x1b[2Jz", "\u202eevil"]
    text = shown(status_of(STACK, {}, [], dict.fromkeys(names, 1.0), {}, [], ["[Errno 111] refused [/]"]))
    for expected in ("[red]x", "[link=https://evil.example]y", r"\x1b[2Jz", r"\u202eevil", "[Errno 111] refused [/]"):
        assert expected in text
    assert "\x1b" not in text


def test_agents_that_are_not_in_the_brain_leave_the_others_in_sight() -> None:
    heartbeats = {f"a{number}": 1.0 for number in range(500)}
    text = shown(status_of(STACK, {}, ["grok", "gimai"], heartbeats, {}, [], []))
    assert text.count("not in the brain)") == UNKNOWN
    assert f"{500 - UNKNOWN} more with a heartbeat are not in the brain" in text
    assert text.index("grok") < text.index("a0 ")
