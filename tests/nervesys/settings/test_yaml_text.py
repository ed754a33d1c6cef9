"""YAML that people read."""

import yaml

from nervesys.settings.yaml_text import yaml_documents, yaml_text


def test_lines_are_a_block_and_nothing_is_an_alias() -> None:
    shared = {"expr": "up\nor down\n"}
    text = yaml_text({"b": shared, "a": shared})
    assert text == "b:\n  expr: |\n    up\n    or down\na:\n  expr: |\n    up\n    or down\n"


def test_documents_are_divided() -> None:
    assert list(yaml.safe_load_all(yaml_documents([{"a": 1}, {"b": 2}]))) == [{"a": 1}, {"b": 2}]
