"""Templates that Prometheus would refuse, judged beside promtool itself."""

import subprocess
from pathlib import Path

import pytest
import yaml

from alerting.generate.template_check import template_problems
from alerting.model import read_alerts
from nervesys.settings import FolderTree, shipped_root
from nervesys.stack.programs import find

RIGHT = [
    "plain",
    "{{ $labels.agent }} at {{ $value | humanizePercentage }}",
    '{{- range query "up{job=\'}}\'}" }}{{ . | label "job" }}{{ else }}none{{ end -}}',
    "{{/* a comment {{ */}}{{ with $labels.agent }}{{ . }}{{ end }}",
    '{{ $x := printf "%s" $labels.agent }}{{ $x | toUpper | reReplaceAll "A" `B` }}',
    "{{ if gt $value 1.0 }}{{ .Value }}{{ else if true }}{{ end }}",
    "{{ range $i, $e := query `up` }}{{ $i }}{{ $e.Labels.job }}{{ end }}",
    "single { braces } }",
]
WRONG = [
    ("{{ $labels.agent }", "an action that does not end"),
    ("{{ $value | humanise }}", "unknown template function 'humanise'; did you mean 'humanize'?"),
    ("{{ if $value }}x", "1 of the template's blocks"),
    ("x{{ end }}", "{{ end }} without if"),
    ("{{ else }}", "{{ else }} without if"),
    ("{{ }}", "an empty action"),
    ("{{ $lables.agent }}", "unknown template variable '$lables'; did you mean '$labels'?"),
]


def promtool_takes(text: str, folder: Path) -> bool:
    rule = {"alert": "A", "expr": "up == 0", "annotations": {"summary": text}}
    file = folder / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": [rule]}]}))
    return subprocess.run([str(find("promtool")), "check", "rules", str(file)], capture_output=True).returncode == 0


@pytest.mark.parametrize("text", RIGHT)
def test_what_prometheus_takes(text: str, tmp_path: Path) -> None:
    assert list(template_problems(text, ["agent"])) == []
    assert promtool_takes(text, tmp_path)


@pytest.mark.parametrize(("text", "problem"), WRONG)
def test_what_prometheus_refuses(text: str, problem: str, tmp_path: Path) -> None:
    (found,) = template_problems(text, ["agent"])
    assert problem in found
    assert not promtool_takes(text, tmp_path)


def test_a_label_that_the_alert_does_not_carry_would_render_empty() -> None:
    (found,) = template_problems("{{ $labels.agnet }}", ["agent"])
    assert found == "the alert has no label 'agnet', which renders empty; did you mean 'agent'?"
    assert list(template_problems("{{ $labels.anything }}", [])) == []


def test_the_shipped_templates_are_right() -> None:
    for alert in read_alerts(FolderTree(shipped_root()))[0].alerts:
        for text in (alert.summary, alert.description):
            assert list(template_problems(text, ())) == []
