"""An agent that logs without end, in a process that loads nothing else: `python -m benchmarks.logging_agent SECONDS`.

Where its brain and its store are it reads from its environment; it prints as JSON what it took.
"""

import json
import random
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import psutil

from nervesys.agent import Agent

PACE = 5_000
"""Records a second."""
BURST = 100
"""Logged one after the other, as work does; then a pause."""
WORDS = """
agent answer archive batch branch buffer cache call cart check client code commit config context cost count data
delay diff draft edge error event fetch field file fix flow graph group guard hash header index issue item job key
label layout limit line link list log loop merge message metric model module name note object order page parser path
plan pool port prompt query queue range read record refresh release report request result retry review root route
rule schema scope search server session shard signal slice snapshot source span stage state step store stream style
summary table target task test thread title trace tree type update user value version view window
""".split()  # noqa: SIM905  # so it is read with ease
ACTIONS = ("code_review", "research", "planning", "refactoring", "answering")


def messages() -> Iterator[tuple[str, dict[str, Any]]]:
    """Records as varied as those of real agents: templates, names, numbers, and free text."""
    dice = random.Random(4)
    while True:
        words = dice.choices(WORDS, k=dice.randint(4, 14))
        action = dice.choice(ACTIONS)
        text = dice.choice(
            (
                f"{action} done in {dice.randint(2, 9000)} ms: {' '.join(words)}",
                f"read {words[0]}/{words[1]}_{words[2]}.py, {dice.randint(1, 2000)} lines",
                f"asked the model about {' '.join(words)}; {dice.randint(20, 4000)} tokens",
                f"commit {dice.getrandbits(48):012x} changes {dice.randint(1, 40)} files of {words[3]}",
            )
        )
        context = {"repository": words[0], "file": f"{words[1]}/{words[2]}.py", "duration_ms": dice.randint(1, 90_000)}
        metadata = {"model_version": dice.choice(("grok-4", "grok-4-mini")), "tokens_used": dice.randint(10, 9000)}
        yield text, {"action": action, "context": context, "metadata": metadata}


def paced(steps: range, every: float) -> Iterator[int]:
    """The steps, one each so many seconds; late ones follow at once."""
    begin = time.perf_counter()
    for step in steps:
        time.sleep(max(0.0, begin + step * every - time.perf_counter()))
        yield step


def _most_resident() -> int:
    """Bytes that this process had in memory at most (proc_pid_status(5)); `ru_maxrss` would count the parent too."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")))


def main(seconds: float) -> None:
    """Log at the pace for so long."""
    varied = list(islice(messages(), 5_000))
    with Agent("grok") as agent:
        time.sleep(2)  # what begins with it is over
        before, cpu, began = psutil.Process().memory_info().rss, time.process_time(), time.monotonic()
        for burst in paced(range(int(seconds * PACE / BURST)), BURST / PACE):
            for number in range(BURST):
                text, extra = varied[(burst * BURST + number) % len(varied)]
                agent.log.info(text, extra=extra)
        used, lasted = time.process_time() - cpu, time.monotonic() - began
        most = _most_resident()
    print(json.dumps({"cpu": used / lasted, "memory": most, "grown": max(0, most - before)}))


if __name__ == "__main__":
    main(float(sys.argv[1]))
