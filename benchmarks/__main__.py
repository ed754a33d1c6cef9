"""`python -m benchmarks`: print ratios against baselines that run on the same machine in the same run."""

import argparse
import sys

from rich.console import Console

from benchmarks import (
    artifacts,
    backfill,
    dashboards,
    fleet_table,
    footprint,
    history,
    idle,
    intake,
    journal_rows,
    listing,
    live_page,
    logging_cost,
    restart_latency,
    restore,
    scrape,
    traces,
)
from benchmarks.measure import BenchmarkReport

BENCHMARKS = {
    "listing": ("1. Steady refresh of the store's logs", listing.run),
    "scrape": ("2. Scrape and refresh of 10 000 agents", scrape.run),
    "intake": ("3. Alerts journalled", intake.run),
    "journal": ("The journal with years of rows", journal_rows.run),
    "logging": ("4. Logging in an agent", logging_cost.run),
    "dashboards": ("Dashboards: rendered as files, and their queries", dashboards.run),
    "page": ("Main Overview as a live page", live_page.run),
    "backfill": ("Backfill of the archive", backfill.run),
    "restart": ("5. From the last heartbeat to the restart", restart_latency.run),
    "idle": ("An agent without work", idle.run),
    "footprint": ("The local stack: memory, CPU and start", footprint.run),
    "restore": ("From an empty disk to a running agent with a gigabyte of data", restore.run),
    "artifacts": ("Artifacts: registrations, and their source", artifacts.run),
    "traces": ("OpenTelemetry: an agent's intake of spans, and their source", traces.run),
    "history": ("Workspace: an event history", history.run),
}

FLEET = "`python -m benchmarks fleet --help`: the real programs against fleets of up to ten thousand agents."


def main() -> int:
    """Run what was asked for; 1 where an aim was missed."""
    if sys.argv[1:2] == ["fleet"]:
        return fleet_table.main(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, epilog=FLEET)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="which; all where none is named")
    parser.add_argument(
        "--large", action="store_true", help="a million log objects, and ten million rows of the journal"
    )
    parser.add_argument("--short", action="store_true", help="small figures, to see that it runs")
    options = parser.parse_args()
    console, missed = Console(width=None if sys.stdout.isatty() else 120), []
    for name in options.names or BENCHMARKS:
        title, run = BENCHMARKS[name]
        report = BenchmarkReport(title)
        run(report, large=options.large, short=options.short)
        console.print(report.table)
        missed += report.missed
    if missed and not options.short:
        console.print(f"[red]Missed[/]: {'; '.join(missed)}")
    return 1 if missed and not options.short else 0


if __name__ == "__main__":
    sys.exit(main())
