"""A report as JSON with formatted texts and colour names, for both HTML and paper."""

import unicodedata
from collections.abc import Mapping
from typing import Any

from nervesys.contract.times import utc
from reports.model import Graph, Notice, Panel, Timeline
from reports.periodic.formatting import format_value, trend
from reports.periodic.model import (
    Column,
    Figure,
    PeriodicReport,
    ReportAnswer,
    ReportRow,
    ReportSection,
    Tone,
    ValueKind,
)

COLOURS = {Tone.PLAIN: "", Tone.GOOD: "green", Tone.FAIR: "orange", Tone.BAD: "red"}
READ_AS_WORDS = (ValueKind.TEXT, ValueKind.INSTANT)

Json = Mapping[str, Any]


def report_data(report: PeriodicReport) -> Json:
    """Everything except the drawings."""
    return {
        "title": report.title,
        "period": report.period,
        "noun": report.noun,
        "made": f"Created on {utc(report.made):%d %B %Y at %H:%M} UTC; all times are UTC",
        "notes": [_text_json(note) for note in report.notes],
        "answers": [_answer(answer) for answer in report.answers],
        "highlights": [_answer(answer) for answer in report.highlights],
        "figures": [_figure(figure, report.currency) for figure in report.figures],
        "sections": [_section(section, report.currency) for section in report.sections],
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
            return body.text
        case _:
            return "Not drawn in reports"


def _text_json(text: str) -> Json:
    return {"text": text, "rtl": is_rtl(text)}


def _answer(answer: ReportAnswer) -> Json:
    return {"question": answer.question, "text": answer.text, "colour": COLOURS[answer.tone]}


def _figure(figure: Figure, currency: str) -> Json:
    change, tone = trend(figure)
    before = format_value(figure.before, figure.kind, currency)
    return {
        "title": figure.title,
        "value": format_value(figure.value, figure.kind, currency),
        "before": before,
        "trend": change,
        "colour": COLOURS[tone],
    }


def _section(section: ReportSection, currency: str) -> Json:
    table = section.table
    return {
        "title": section.title,
        "how": section.how,
        "nothing": section.nothing,
        "paragraphs": [_text_json(text) for text in section.text],
        "columns": [_column(column) for column in table.columns] if table else [],
        "rows": [_row(row, table.columns, currency) for row in table.rows] if table else [],
    }


def _column(column: Column) -> Json:
    return {"title": column.title, "number": column.kind not in READ_AS_WORDS, "wide": column.wide}


def _row(row: ReportRow, columns: tuple[Column, ...], currency: str) -> Json:
    texts = (format_value(value, column.kind, currency) for value, column in zip(row.values, columns, strict=True))
    return {"colour": COLOURS[row.tone], "link": row.link, "cells": [_text_json(text) for text in texts]}
