"""The short form of the fuzz; the long one is part of `make faults`."""

import json
from typing import Any

import pytest

from alerting.receiver.webhook import ReceivedAlert, parse
from nervesys.artifacts.manifest import Manifest
from nervesys.contract import AgentState, ServerMetrics, VitalSigns
from nervesys.contract.objects import ContractObject
from tests.hostile.fuzz import ALERT, BRAIN, FUZZ, MANIFEST, METRICS, SIGNS, STATE


def test_what_is_changed_is_valid_before() -> None:
    bases: list[tuple[type[ContractObject], dict[str, Any]]] = [(AgentState, STATE), (ServerMetrics, METRICS), *BRAIN]
    for model, base in bases:
        assert model.parse(json.dumps(base).encode())
    assert VitalSigns.parse(json.dumps(SIGNS).encode()).pulses
    assert Manifest.model_validate(MANIFEST)
    assert isinstance(parse(json.dumps({"alerts": [ALERT]}).encode()).alerts[0], ReceivedAlert)


@pytest.mark.parametrize("name", FUZZ)
def test_generated_inputs_end_in_no_traceback_and_change_nothing_of_others(name: str) -> None:
    fuzz, count = FUZZ[name]
    fuzz(count // 10)
