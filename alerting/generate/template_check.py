"""Checks the Go templates of summaries and descriptions: Prometheus loads no rule of a file that has a wrong template.

Functions are those of Prometheus 2.42 (template/template.go) and of Go's text/template; newer releases have more, which
older ones refuse.
"""

import re
from collections.abc import Collection, Iterator

from nervesys.settings.check import suggest

ACTION = re.compile(r"""\{\{-?((?:"(?:\\.|[^"\\\n])*"|`[^`]*`|'(?:\\.|[^'\\])*'|[^"'`{}])*)-?\}\}""")
"""An action; braces stand in its texts only."""
COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.DOTALL)
TEXT = re.compile(r""""(?:\\.|[^"\\\n])*"|`[^`]*`|'(?:\\.|[^'\\])*'""")
WORD = re.compile(r"(?<![\w.$])[A-Za-z_]\w*")
VARIABLE = re.compile(r"\$\w*")
LABEL = re.compile(r"\$labels\.(\w+)")
BLOCKS = ("if", "range", "with", "define", "block")
KEYWORDS = frozenset({*BLOCKS, "else", "end", "template", "break", "continue", "nil", "true", "false"})
OF_GO = "and call eq ge gt html index js le len lt ne not or print printf println slice urlquery"
OF_PROMETHEUS = (
    "args externalURL first graphLink humanize humanize1024 humanizeDuration humanizePercentage humanizeTimestamp "
    "label match parseDuration pathPrefix query reReplaceAll safeHtml sortByLabel stripDomain stripPort strvalue "
    "tableLink title tmpl toLower toTime toUpper value"
)
FUNCTIONS = frozenset(f"{OF_GO} {OF_PROMETHEUS}".split())
VARIABLES = frozenset({"$", "$labels", "$value", "$externalLabels", "$externalURL"})


def template_problems(text: str, labels: Collection[str]) -> Iterator[str]:
    """What Prometheus would refuse in a template, or render empty.

    Args:
        text: the template.
        labels: that the alert's result carries; empty where they are not known.
    """
    text = COMMENT.sub("", text)
    actions = [found[1].strip() for found in ACTION.finditer(text)]
    if "{{" in (rest := ACTION.sub("", text)):
        yield f"the template has an action that does not end: {rest[rest.index('{{') :][:40]!r}"
        return
    yield from _block_problems(actions)
    declared = {name for action in actions for name in re.findall(r"(\$\w+)\s*(?:,|:=)", TEXT.sub("", action))}
    for action in actions:
        yield from _action_problems(action, declared, labels)


def _block_problems(actions: list[str]) -> Iterator[str]:
    depth = 0
    for action in actions:
        if not action:
            yield "the template has an empty action {{ }}"
            continue
        word = action.split()[0]
        if word in {"end", "else"} and depth == 0:
            yield f"{{{{ {word} }}}} without {', '.join(BLOCKS)}"
        depth += (word in BLOCKS) - (word == "end" and depth > 0)
    if depth:
        yield f"{depth} of the template's blocks ({', '.join(BLOCKS)}) has no {{{{ end }}}}"


def _action_problems(action: str, declared: set[str], labels: Collection[str]) -> Iterator[str]:
    bare = TEXT.sub('""', action)
    for word in WORD.findall(bare):
        if word not in KEYWORDS | FUNCTIONS:
            yield f"unknown template function {word!r}; {suggest(word, FUNCTIONS)}"
    for name in VARIABLE.findall(bare):
        if name not in VARIABLES | declared:
            yield f"unknown template variable {name!r}; {suggest(name, VARIABLES)}"
    for label in LABEL.findall(bare):
        if labels and label not in labels:
            yield f"the alert has no label {label!r}, which renders empty; {suggest(label, labels)}"
