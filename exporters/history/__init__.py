"""History: what the archive and the brain still know of months that Prometheus never saw, or has forgotten.

Each file of the archive, and each daily summary, is made into samples of its own, which need nothing of each other:
`days` adds up, `text` tells, `plan` says what is left to do, `reading` does it on all cores, `blocks` or `push` take
it.
"""

from exporters.shared import records, summaries

FAMILIES = (*records.FAMILIES, *summaries.FAMILIES)
"""What can be known of the past: the families of logs, and those of daily summaries."""
