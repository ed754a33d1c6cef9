"""Backfill: samples from the archive's logs and the brain's daily summaries, for times of which Prometheus has no data.

Each file of the archive, and each daily summary, is converted independently of the others: `days` sums a day's lines,
`text` formats the sums as samples, `plan` lists what is left to do, `reading` converts on all cores, `blocks` writes
TSDB blocks, `push` sends to an import endpoint.
"""

from exporters.shared import records, spans, summaries

FAMILIES = (*records.FAMILIES, *spans.FAMILIES, *summaries.FAMILIES)
"""The families that can be backfilled: those of logs, and those of daily summaries."""
