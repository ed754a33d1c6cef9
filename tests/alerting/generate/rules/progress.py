"""When an agent that is alive gets nowhere: stuck, without progress, looping, failing, behind its queue."""

from tests.alerting.generate.rules.agents import ALIVE, GROK, HEARTBEAT
from tests.alerting.generate.rules.kit import HOUR, Case, Fires, Story, World, of_store, steady, step, then, until


def task(story: Story, limit: Story) -> World:
    """The running task: when it began, and after how long it is stuck."""
    return {
        of_store("agent_task_start_timestamp_seconds", **GROK): story,
        of_store("agent_task_limit_seconds", **GROK): limit,
    }


def progress(story: Story) -> World:
    return {of_store("agent_progress_timestamp_seconds", **GROK): story}


def repeated(story: Story) -> World:
    return {of_store("agent_repeated_actions", **GROK): story}


def tokens(story: Story) -> World:
    return {of_store("agent_tokens_total", **GROK): story}


def tasks(completed: Story, failed: Story) -> World:
    return {
        of_store("agent_tasks_total", **GROK, outcome=outcome): story
        for outcome, story in (("completed", completed), ("failed", failed))
    }


def queue(story: Story) -> World:
    return {of_store("agent_queue_tasks", **GROK): story}


def each(seconds: float) -> Story:
    """A counter that grows by one each so many seconds."""
    return lambda t: t // seconds


CASES = (
    Case(
        "AgentStuck",
        "a task runs longer than its limit",
        ALIVE | task(steady(300), steady(600)),
        silent=(885,),
        fires=(Fires(915, "grok has been on one task for 10m 15s, longer than its limit", labels=GROK),),
        mended=task(lambda t: t, steady(600)),
    ),
    Case("AgentStuck", "a task without a limit", ALIVE | task(steady(300), steady(None)), silent=(2 * HOUR,)),
    Case(
        "AgentStuck",
        "an agent that is silent is down, and not stuck as well",
        ALIVE | {HEARTBEAT: until(600)} | task(steady(300), steady(600)),
        silent=(915, HOUR),
    ),
    Case(
        "NoProgress",
        "a task runs, and nothing moves",
        ALIVE | progress(until(600)),
        silent=(1485,),
        fires=(Fires(1515, "grok is busy and has made no progress for 15m 15s", "warning", GROK),),
        mended=progress(lambda t: t),
    ),
    Case(
        "NoProgress", "its task has ended", ALIVE | progress(then(1200, until(600), steady(None))), silent=(1515, HOUR)
    ),
    Case(
        "AgentLooping",
        "the same action over and over, at a price",
        ALIVE | repeated(lambda t: 1 + max(0, t - 600) // 60) | tokens(lambda t: 100 * (t // 60)),
        silent=(1125,),
        fires=(Fires(1155, "grok has done the same thing 10 times in a row", labels=GROK),),
        mended=repeated(steady(1)),
    ),
    Case(
        "AgentLooping",
        "a poll that uses no tokens is no loop",
        ALIVE | repeated(lambda t: t // 60) | tokens(steady(5000)),
        silent=(1200, 2 * HOUR),
    ),
    Case(
        "TasksFailing",
        "every second task fails",
        ALIVE | tasks(each(120), then(HOUR, steady(0), lambda t: (t - HOUR) // 120)),
        silent=(HOUR + 600,),
        fires=(Fires(2 * HOUR, "Only 50% of grok's tasks succeed", "warning", GROK),),
    ),
    Case(
        "TasksFailing",
        "all at once",
        ALIVE | tasks(steady(0), step(1800, 0, 20)),
        silent=(1785,),
        fires=(Fires(1830, "Only 0% of grok's tasks succeed", "warning", GROK),),
        mended=tasks(lambda t: (t - 1800) // 5, steady(20)),
        within=HOUR,
    ),
    Case("TasksFailing", "too few to judge by", ALIVE | tasks(steady(0), step(600, 0, 5)), silent=(630, 1800)),
    Case(
        "QueueGrowing",
        "more and more tasks wait",
        ALIVE | queue(then(HOUR, steady(3), step(HOUR + 300, 3, 12))),
        silent=(HOUR + 1185,),
        fires=(Fires(HOUR + 1215, "12 tasks wait for grok, and the queue grows", "warning", GROK),),
        mended=queue(steady(0)),
    ),
    Case(
        "QueueGrowing",
        "a long queue that gets shorter",
        ALIVE | queue(lambda t: 500 - t // 60),
        silent=(HOUR, 2 * HOUR),
    ),
    Case("QueueGrowing", "short queues come and go", ALIVE | queue(lambda t: 9 * (t > HOUR)), silent=(2 * HOUR,)),
)
