"""rich is imported when it is first used, and by no service."""

import subprocess
import sys

import pytest

from commands.console import escape, make_table, open_console

SERVICES = ("agent", "artifacts", "dashboards", "demo", "exporter", "receiver")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_imports_no_package_that_it_seldom_needs(service: str) -> None:
    seldom = "{'rich', 'alembic', 'github', 'matplotlib', 'googleapiclient', 'pandas'}"
    script = f"import sys, commands.{service}; print(*sorted({seldom} & sys.modules.keys()))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.split() == []


def test_the_demo_loads_no_agent() -> None:
    script = "import sys, commands.demo; print('nervesys.agent.agent' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout == "False\n"


def test_what_is_printed_is_what_rich_prints(capsys: pytest.CaptureFixture[str]) -> None:
    table = make_table("name")
    table.add_row(escape("[red]grok[/]"))
    open_console(width=40).print(table)
    assert "[red]grok[/]" in capsys.readouterr().out
