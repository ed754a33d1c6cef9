"""Runbooks as HTML."""

import pytest

from alerting.receiver.runbook_text import render_runbook


@pytest.mark.parametrize(
    ("text", "html"),
    [
        pytest.param(
            "Read the log.\nThen wait.\n\nAsk.", "<p>Read the log. Then wait.</p><p>Ask.</p>", id="paragraphs"
        ),
        pytest.param("- one\n- two `x`", "<ul><li>one</li><li>two <code>x</code></li></ul>", id="a list"),
        pytest.param("1. first\n2. second", "<ul><li>first</li><li>second</li></ul>", id="steps"),
        pytest.param("**Stop** it", "<p><strong>Stop</strong> it</p>", id="bold"),
        pytest.param(
            "see [docs](https://a.example/x)", '<p>see <a href="https://a.example/x">docs</a></p>', id="a link"
        ),
        pytest.param("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>", id="no other scheme"),
        pytest.param(
            '<b>`<i>` [<u>](https://a"onclick=1)',
            '<p>&lt;b&gt;<code>&lt;i&gt;</code> <a href="https://a&#34;onclick=1">&lt;u&gt;</a></p>',
            id="markup is text",
        ),
        pytest.param("  ", "", id="nothing"),
    ],
)
def test_a_runbook_is_rendered_and_escaped(text: str, html: str) -> None:
    assert render_runbook(text) == html
