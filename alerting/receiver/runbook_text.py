"""Renders a runbook of config/alerts.yaml as HTML: paragraphs, lists, code, bold text, links; all else is escaped."""

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

INLINE = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\((https?://[^)\s]+)\)")
ITEM = re.compile(r"^\s*(?:[-*]|\d+[.)])\s+", re.MULTILINE)


def render_runbook(text: str) -> Markup:
    """The HTML of a runbook."""
    return Markup("").join(map(_block, re.split(r"\n\s*\n", text.strip()))) if text.strip() else Markup("")


def _block(text: str) -> Markup:
    if ITEM.match(text):
        items = [part for part in ITEM.split(text) if part.strip()]
        return Markup("<ul>{}</ul>").format(
            Markup("").join(Markup("<li>{}</li>").format(_inline(item.strip())) for item in items)
        )
    return Markup("<p>{}</p>").format(_inline(" ".join(text.split())))


def _inline(text: str) -> Markup:
    return Markup("").join(_parts(text))


def _parts(text: str) -> Iterator[Markup]:
    end = 0
    for found in INLINE.finditer(text):
        yield escape(text[end : found.start()])
        code, bold, label, url = found.groups()
        if code:
            yield Markup("<code>{}</code>").format(code)
        elif bold:
            yield Markup("<strong>{}</strong>").format(bold)
        else:
            yield Markup('<a href="{}">{}</a>').format(url, label)
        end = found.end()
    yield escape(text[end:])
