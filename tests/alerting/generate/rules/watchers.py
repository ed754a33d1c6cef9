"""When those who watch are themselves down, blind or overrun."""

from alerting.conditions.freshness_guards import AGENTS
from alerting.scrape_targets import jobs
from exporters.brain.github import ORIGIN as GITHUB
from tests.alerting.generate.rules.kit import (
    HOUR,
    MINUTE,
    SETTINGS,
    Case,
    Fires,
    World,
    exporter,
    from_,
    gap,
    of,
    of_store,
    steady,
    step,
    until,
    watched,
)

SOURCE = {"source": "store", "area": "agents"}
UNDELIVERED = of("alertmanager", "alertmanager_notifications_failed_total", integration="slack")
SCRAPED: World = {of(job, "up"): steady(1) for job in jobs(SETTINGS)}


def target_down(at: float, job: str) -> Fires:
    return Fires(at, f"{job} cannot be scraped", labels={"job": job})


CASES = (
    Case(
        "TargetDown",
        "the receiver does not answer",
        SCRAPED | {of("receiver", "up"): step(600, 1, 0)},
        silent=(600, 645),
        fires=(target_down(675, "receiver"),),
        mended={of("receiver", "up"): steady(1)},
    ),
    Case(
        "TargetDown",
        "the store's exporter is not even tried",
        SCRAPED | {of("store", "up"): lambda t: 1 if t < 600 else None},
        silent=(600, 885),
        fires=(target_down(1000, "store"),),
    ),
    Case(
        "SourceUnreachable",
        "every pass fails",
        exporter(AGENTS, up=step(600, 1, 0)),
        silent=(615,),
        fires=(Fires(675, "store cannot be read (agents)", labels=SOURCE),),
        mended=exporter(AGENTS),
    ),
    Case(
        "SourceUnreachable",
        "three passes of four fail",
        exporter(AGENTS, up=lambda t: t % 60 == 0),
        silent=(300, 600, 615, 630, HOUR),
    ),
    Case(
        "ExporterStale",
        "no pass has ended since",
        exporter(AGENTS, success=until(600)),
        silent=(600, 645),
        fires=(Fires(675, "store (agents) was last read 1m 15s ago", "warning", SOURCE),),
        mended=exporter(AGENTS),
    ),
    Case(
        "StoreClockOffset",
        "the clocks are a minute apart",
        watched(AGENTS) | {of_store("store_clock_offset_seconds"): step(600, 1, -60)},
        silent=(600, 810),
        fires=(Fires(855, "The store's clock and the exporter's are -1m 0s apart", "warning"),),
        mended={of_store("store_clock_offset_seconds"): steady(1)},
    ),
    Case(
        "RejectedObjects",
        "a dozen within the hour",
        {of_store("exporter_rejected_objects_total", source="store", reason="bad_json"): lambda t: min(t // 60, 24)},
        silent=(300, 600, 1440 + HOUR + 5 * MINUTE),
        fires=(
            Fires(
                660,
                "store holds objects that break the contract: bad_json",
                "warning",
                {"source": "store", "reason": "bad_json"},
            ),
        ),
    ),
    Case(
        "RateLimitLow",
        "5% of the quota is left",
        watched(GITHUB)
        | {
            of("brain", "nervesys_github_rate_limit_remaining_requests"): step(600, 4000, 250),
            of("brain", "nervesys_github_rate_limit_requests"): steady(5000),
        },
        silent=(600, 1770),
        fires=(Fires(1815, "5% of GitHub's API quota is left", "warning"),),
        mended={of("brain", "nervesys_github_rate_limit_remaining_requests"): steady(4000)},
    ),
    Case(
        "TooManySeries",
        "a label has grown",
        {of_store("exporter_series", source="store"): step(600, 1000, 600_000)},
        silent=(600, 810),
        fires=(Fires(855, "The store exporter serves 600k series", "warning", {"source": "store"}),),
        mended={of_store("exporter_series", source="store"): steady(1000)},
    ),
    Case(
        "NotificationsFailing",
        "Slack refuses",
        {UNDELIVERED: step(600, 0, 1)},
        silent=(585, 1500),
        fires=(Fires(615, "Alertmanager cannot deliver through slack", "warning", {"integration": "slack"}),),
    ),
    Case(
        "RulesFailing",
        "a rule matches many to many",
        {of("prometheus", "prometheus_rule_evaluation_failures_total", rule_group="nervesys"): step(600, 0, 1)},
        silent=(585, 1500),
        fires=(Fires(615, "Prometheus fails to evaluate rules"),),
    ),
    Case(
        "Watchdog",
        "ends at once when nobody watches, comes back at once",
        watched(AGENTS) | exporter(AGENTS, success=lambda t: t if t < 600 or t >= 1200 else 600),
        silent=(675, 1185),
        fires=tuple(Fires(at, "Agents are being monitored", "none") for at in (300, 645, 1200)),
    ),
    Case(
        "Watchdog",
        "is silent when the store's exporter is down or gone",
        exporter(AGENTS) | {of("store", "up"): step(600, 1, 0)},
        silent=(615, 1200),
        fires=(Fires(585, "Agents are being monitored", "none"),),
    ),
    Case("Watchdog", "nothing is ingested", {of("store", "up"): gap(from_(0, steady(1)), 600, HOUR)}, silent=(1200,)),
)
