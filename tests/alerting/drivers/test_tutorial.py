"""The driver of the tutorial is one: what people copy works."""

from pathlib import Path
from typing import Any

import pytest

from alerting.drivers import Driver, Drivers, RestartRequest
from alerting.drivers.outcome import Cause, Done, Retry
from nervesys.settings import shipped_root

TEXT = (shipped_root() / "docs/tutorial.md").read_text()
CODE = TEXT.partition("`alerting/drivers/openrc.py`:\n\n```python\n")[2].partition("```")[0]
LINE = TEXT.partition("and its import:\n\n```python\n")[2].partition("```")[0]


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """What stands for rc-service: it knows one service."""
    path = tmp_path / "rc-service"
    path.write_text(
        '#!/bin/sh\n[ "$1 $2" = "agent-grok restart" ] || { echo "no such service"; exit 1; }\necho started\n'
    )
    path.chmod(0o755)
    return path


def test_it_restarts_once_it_is_a_field_of_the_drivers(program: Path) -> None:
    names: dict[str, Any] = {"Drivers": Drivers}
    exec(compile(f"{CODE}\n\nclass Ours(Drivers):\n{LINE}", "openrc.py", "exec"), names)  # our own page
    fields = {"openrc": {"rc_service": str(program), "servers": ["alpha"]}}
    driver: Driver = names["Ours"].model_validate(fields).configured()["openrc"]
    assert driver.servers == ("alpha",)
    assert isinstance(driver.restart(RestartRequest("grok", "alpha", "agent-grok")), Done)
    refused = driver.restart(RestartRequest("gimai", "alpha", "agent-gimai"))
    assert isinstance(refused, Retry)
    assert (refused.cause, refused.output.strip()) == (Cause.REFUSED, "no such service")
