"""A report as JSON with formatted texts and colour names, for both HTML and paper."""

import unicodedata
from collections.abc import Mapping
from typing import Any

from nervesys.contract.times import utc
from reports.model import Graph, Notice, Panel, Timeline
from reports.periodic.model import Answer, Column, Figure, Kind, Report, Row, Section, Tone
from reports.periodic.words import said, trend

COLOURS = {Tone.PLAIN: "", Tone.GOOD: "green", Tone.FAIR: "orange", Tone.BAD: "red"}
READ_AS_WORDS = (Kind.TEXT, Kind.INSTANT)

Json = Mapping[str, Any]


def spelled(report: Report) -> Json:
    """Everything except the drawings."""
    return {
        "title": report.title,
        "period": report.period,
        "noun": report.noun,
        "made": f"Made on {utc(report.made):%d %B %Y at %H:%M} UTC; all times are UTC",
        "notes": [_words(note) for note in report.notes],
        "answers": [_answer(one) for one in report.answers],
        "figures": [_figure(one, report.currency) for one in report.figures],
        "sections": [_section(one, report.currency) for one in report.sections],
    }


def is_rtl(text: str) -> bool:
    """Whether a text is right-to-left, by its first strong character, as browsers decide it."""
    return next((way != "L" for way in map(unicodedata.bidirectional, text) if way in {"L", "R", "AL"}), False)


def notice_of(panel: Panel) -> str:
    """Text in place of a panel's drawing; empty if it is drawn."""
    match panel.body:
        case Graph() | Timeline():
            return ""
        case Notice() as body:
            return body.words if body.failed else f"{body.words}, says Prometheus"
        case _:
            return "Not drawn in reports"


def _words(text: str) -> Json:
    return {"text": text, "rtl": is_rtl(text)}


def _answer(one: Answer) -> Json:
    return {"question": one.question, "words": one.words, "colour": COLOURS[one.tone]}


def _figure(one: Figure, currency: str) -> Json:
    change, tone = trend(one)
    before = said(one.before, one.kind, currency)
    return {
        "title": one.title,
        "value": said(one.value, one.kind, currency),
        "before": before,
        "trend": change,
        "colour": COLOURS[tone],
    }


def _section(one: Section, currency: str) -> Json:
    table = one.table
    return {
        "title": one.title,
        "how": one.how,
        "nothing": one.nothing,
        "words": [_words(text) for text in one.words],
        "columns": [_column(column) for column in table.columns] if table else [],
        "rows": [_row(row, table.columns, currency) for row in table.rows] if table else [],
    }


def _column(one: Column) -> Json:
    return {"title": one.title, "number": one.kind not in READ_AS_WORDS, "wide": one.wide}


def _row(row: Row, columns: tuple[Column, ...], currency: str) -> Json:
    texts = (said(value, column.kind, currency) for value, column in zip(row.values, columns, strict=True))
    return {"colour": COLOURS[row.tone], "cells": [_words(text) for text in texts]}
