"""A summary of a day's logs by a language model, with the patterns that it rests on; written to the archive."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from nervesys.analysis import NoModelAnswer, about_patterns, make_analyst
from nervesys.clock import Clock
from nervesys.contract import LogRecord
from nervesys.contract.fingerprints import fingerprint
from nervesys.errors import BadObject
from nervesys.redact import Redactor
from nervesys.settings.alibaba import AlibabaCloud

USE = "log_summarization"
"""Value in `use_for` that enables it."""
KINDS = 10_000
"""Patterns that are counted separately, to bound the memory."""
SHOWN = 30
"""Most frequent patterns in a summary."""

LogSummarizer = Callable[[str, Iterable[bytes], Callable[[str], None]], bytes | None]
"""Takes a day, its log lines, and a function for progress messages; returns a document, or None."""


@dataclass(frozen=True)
class LogPattern:
    """Records that differ only in numbers and ids."""

    level: str
    text: str
    records: int


def summarize_nothing(_day: str, _lines: Iterable[bytes], _progress: Callable[[str], None]) -> bytes | None:
    """Returns no summary."""
    return None


def count_patterns(lines: Iterable[bytes]) -> list[LogPattern]:
    """The most frequent patterns of log lines, most frequent first."""
    counts: Counter[tuple[str, str]] = Counter()
    for line in lines:
        try:
            record = LogRecord.parse(line)
        except BadObject:
            continue
        key = str(record.level), fingerprint(record)
        if key in counts or len(counts) < KINDS:
            counts[key] += 1
    return [LogPattern(level, text, records) for (level, text), records in counts.most_common(SHOWN)]


def open_summarizer(settings: AlibabaCloud, memory: Path, clock: Clock) -> LogSummarizer:
    """The summarizer that the settings configure.

    Args:
        settings: config/alibaba.yaml.
        memory: path of the cache of earlier answers and of used tokens.
        clock: of the daily budget of tokens.
    """
    if not settings.used_for(USE):
        return summarize_nothing

    def summarize(day: str, lines: Iterable[bytes], progress: Callable[[str], None]) -> bytes | None:
        patterns = count_patterns(lines)
        if not patterns:
            return None
        analyst = make_analyst(settings, memory, Redactor().text, clock)
        assert analyst, "it is enabled"
        try:
            return _document(day, analyst.write(about_patterns(day, patterns)), patterns)
        except NoModelAnswer as err:
            progress(f"no summary of the logs of {day}: {err}")
            return None
        finally:
            analyst.close()

    return summarize


def _document(day: str, text: str, patterns: Iterable[LogPattern]) -> bytes:
    rows = [f"| {item.records} | {item.level} | {item.text.replace('|', chr(92) + '|')} |" for item in patterns]
    table = "\n".join(["| records | level | pattern |", "| ---: | --- | --- |", *rows])
    return f"# Logs of {day}\n\n{text}\n\n## Patterns\n\n{table}\n".encode()
