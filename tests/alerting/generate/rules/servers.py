"""When a server is called busy or full."""

from tests.alerting.generate.rules.kit import MINUTE, Case, Fires, World, gap, of_store, steady, step, watched

WEB = {"server": "web-1"}
CPU = of_store("server_cpu_ratio", server="web-1")
WATCHED: World = watched()


def high(what: str, at: float, value: str, *severities: str) -> tuple[Fires, ...]:
    return tuple(Fires(at, f"{what} of web-1 stays above {value}", severity, WEB) for severity in severities)


def too_high(alert: str, what: str, family: str) -> Case:
    """From comfortable to critical, which is a warning too."""
    return Case(
        alert,
        "95% all through the window",
        WATCHED | {of_store(family, server="web-1"): step(10 * MINUTE, 0.5, 0.95)},
        silent=(10 * MINUTE, 19.5 * MINUTE),
        fires=high(what, 20.25 * MINUTE, "95%", "warning", "critical"),
        mended={of_store(family, server="web-1"): steady(0.5)},
    )


CASES = (
    too_high("HighCPU", "CPU", "server_cpu_ratio"),
    too_high("HighMemory", "Memory", "server_memory_ratio"),
    too_high("HighDisk", "Disk", "server_disk_ratio"),
    Case(
        "HighCPU",
        "between the thresholds is a warning",
        WATCHED | {CPU: steady(0.85)},
        silent=(MINUTE,),
        fires=high("CPU", 15 * MINUTE, "85%", "warning"),
    ),
    Case(
        "HighCPU",
        "a dip within each window is relief",
        WATCHED | {CPU: lambda t: 0.5 if t % (9 * MINUTE) == 0 else 0.95},
        silent=(15 * MINUTE, 30 * MINUTE, 60 * MINUTE),
    ),
    Case(
        "HighCPU",
        "a gap of a minute in every nine does not silence it",
        WATCHED | {CPU: lambda t: None if t % (9 * MINUTE) < MINUTE else 0.95},
        fires=high("CPU", 20.25 * MINUTE, "95%", "warning", "critical")
        + high("CPU", 60 * MINUTE, "95%", "warning", "critical"),
    ),
    Case(
        "HighCPU",
        "the first samples after a night off are no ten minutes",
        WATCHED | {CPU: gap(steady(0.95), 0, 60 * MINUTE)},
        silent=(61 * MINUTE, 67 * MINUTE),
        fires=high("CPU", 70 * MINUTE, "95%", "warning", "critical"),
    ),
    Case(
        "ServerUnusual",
        "unusual all through the window, in either direction",
        WATCHED | {of_store("server_anomaly_score", server="web-1", signal="cpu"): step(10 * MINUTE, 0.5, -8)},
        silent=(10 * MINUTE, 19.5 * MINUTE),
        fires=(
            Fires(
                20.25 * MINUTE,
                "cpu of web-1 has been unusual for ten minutes",
                "info",
                WEB | {"signal": "cpu"},
            ),
        ),
        mended={of_store("server_anomaly_score", server="web-1", signal="cpu"): steady(0.5)},
    ),
)
