"""When an error budget is spent too fast; how burn rates are recorded is tested with the recording rules."""

from tests.alerting.generate.rules.kit import HOUR, Case, Fires, steady, step

TASKS = {"slo": "task success"}


def recorded(window: str) -> str:
    """The burn rate of a window."""
    return f'slo:burn_rate:{window}{{slo="task success"}}'


def fires(times: str, severity: str) -> tuple[Fires, ...]:
    return (Fires(HOUR, f"task success: the error budget is being spent {times} times too fast", severity, TASKS),)


CASES = tuple(
    Case(
        alert,
        f"the burn rate over {window}",
        {recorded(window): step(HOUR, limit, limit + 1)},
        silent=(HOUR - 15,),
        fires=fires(f"{limit + 1:g}", severity),
        mended={recorded(window): steady(0)},
    )
    for alert, window, limit, severity in (
        ("ErrorBudgetBurningFast", "1h", 14.4, "critical"),
        ("ErrorBudgetBurningFast", "6h", 6, "critical"),
        ("ErrorBudgetBurningSlowly", "1d", 3, "warning"),
        ("ErrorBudgetBurningSlowly", "3d", 1, "warning"),
    )
)
