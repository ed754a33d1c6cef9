"""When a model or a tool fails, and that the agents concerned are then left alone."""

from tests.alerting.generate.rules.agents import ALIVE, GROK
from tests.alerting.generate.rules.kit import HOUR, SETTINGS, Case, Fires, Story, World, of, steady, step, then
from tests.alerting.generate.rules.progress import progress, tasks

MODEL = {"model": "grok-4"}
WINDOW = SETTINGS.thresholds.calls.over_minutes * 60


def calls(every: Story, failed: Story, error_type: str = "server_error", agent: str = "grok") -> World:
    """Calls of a model, and those of them that fail."""
    name, labels = "nervesys_gen_ai", {"agent": agent, "operation": "chat", **MODEL}
    return {
        of("traces", f"{name}_operation_duration_seconds_count", **labels): every,
        of("traces", f"{name}_errors_total", **labels, error_type=error_type): failed,
    }


def tool(completed: Story, failed: Story) -> World:
    name, labels = "nervesys_agent_tool_calls_total", {**GROK, "tool": "search"}
    return {
        of("traces", name, **labels, outcome=outcome): story
        for outcome, story in (("completed", completed), ("failed", failed))
    }


OUTAGE = calls(step(HOUR, 0, 10), step(HOUR, 0, 9))

CASES = (
    Case(
        "ModelFailing",
        "most of its calls fail, of two agents together",
        ALIVE | calls(step(HOUR, 0, 4), step(HOUR, 0, 3)) | calls(step(HOUR, 0, 4), step(HOUR, 0, 3), agent="gimai"),
        silent=(HOUR - 15,),
        fires=(Fires(HOUR + 15, "75% of the calls of grok-4 fail", labels=MODEL),),
        mended=calls(lambda t: 4 + t - HOUR, steady(3)) | calls(lambda t: 4 + t - HOUR, steady(3), agent="gimai"),
        within=WINDOW,
    ),
    Case("ModelFailing", "too few to judge by", ALIVE | calls(step(HOUR, 0, 4), step(HOUR, 0, 4)), silent=(HOUR + 30,)),
    Case("ModelFailing", "most succeed", ALIVE | calls(step(HOUR, 0, 100), step(HOUR, 0, 40)), silent=(HOUR + 30,)),
    Case(
        "ModelFailing",
        "what the caller does wrong is no failure of the model",
        ALIVE | calls(step(HOUR, 0, 10), step(HOUR, 0, 10), "invalid_request"),
        silent=(HOUR + 30,),
    ),
    Case(
        "ModelRateLimited",
        "it answers 429",
        ALIVE | calls(step(HOUR, 0, 10), step(HOUR, 0, 8), "rate_limited"),
        silent=(HOUR - 15,),
        fires=(Fires(HOUR + 15, "grok-4 refuses 80% of the calls: too many requests", "warning", MODEL),),
        mended=calls(lambda t: 10 + t - HOUR, steady(8), "rate_limited"),
        within=WINDOW,
    ),
    Case("ModelRateLimited", "other errors", ALIVE | OUTAGE, silent=(HOUR + 30,)),
    Case(
        "ToolFailing",
        "most of its calls fail",
        ALIVE | tool(step(HOUR, 0, 1), step(HOUR, 0, 7)),
        silent=(HOUR - 15,),
        fires=(Fires(HOUR + 15, "search fails in 87.5% of the calls of grok", "warning", GROK | {"tool": "search"}),),
        mended=tool(lambda t: 1 + t - HOUR, steady(7)),
        within=WINDOW,
    ),
    Case(
        "NoProgress",
        "its model fails, which is the cause",
        ALIVE | OUTAGE | progress(then(HOUR - 900, lambda t: t, steady(HOUR - 900))),
        silent=(HOUR + 30, HOUR + 600),
    ),
    Case(
        "TasksFailing",
        "its model fails, which is the cause",
        ALIVE | OUTAGE | tasks(steady(0), step(HOUR, 0, 20)),
        silent=(HOUR + 30, HOUR + 600),
    ),
    Case(
        "TasksFailing",
        "another agent's calls fail",
        ALIVE | calls(step(HOUR, 0, 10), step(HOUR, 0, 9), agent="gimai") | tasks(steady(0), step(HOUR, 0, 20)),
        silent=(HOUR - 15,),
        fires=(Fires(HOUR + 30, "Only 0% of grok's tasks succeed", "warning", GROK),),
    ),
)
