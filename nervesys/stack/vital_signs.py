"""The demo of vital signs: writes made-up vital signs of two entities to the store."""

import random
import time
from collections.abc import Callable, Iterator

from nervesys.clock import Clock
from nervesys.contract import PathTemplate, format_time
from nervesys.contract.vitality import Pulses, Reactions, VitalSigns
from nervesys.errors import StoreUnavailable
from nervesys.stores.objects import ObjectStore

ENTITIES = {"aurora": 0.06, "lumen": 0.15}
"""Median reaction time in seconds, by name."""
PULSES_PER_STEP = 12
MISSED_SHARE, ERROR_SHARE = 0.01, 0.002
BOUNDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
KINDS = ("timeout", "render", "lost_client")


def generate_signs(entity: str, clock: Clock) -> Iterator[VitalSigns]:
    """An endless series of vital signs; deterministic for each name, except for the timestamps."""
    dice = random.Random(entity)
    received = missed = 0
    counts = dict.fromkeys((*map(str, BOUNDS), "+Inf"), 0)
    errors = dict.fromkeys(KINDS, 0)
    total = 0.0
    entropy, clients = 2.5, 20
    while True:
        for _ in range(dice.randint(PULSES_PER_STEP // 2, PULSES_PER_STEP)):
            received += 1
            if dice.random() < MISSED_SHARE:
                missed += 1
                continue
            reaction = ENTITIES[entity] * dice.lognormvariate(0, 0.5)
            total += reaction
            counts[next((str(bound) for bound in BOUNDS if reaction <= bound), "+Inf")] += 1
            if dice.random() < ERROR_SHARE:
                errors[dice.choice(KINDS)] += 1
        entropy = max(0.1, 2.5 + 0.95 * (entropy - 2.5) + dice.gauss(0, 0.2))
        clients = max(1, clients + dice.choice((-1, 0, 0, 1)))
        yield VitalSigns(
            timestamp=clock(),
            pulses=Pulses(received=received, answered=received - missed),
            reaction_seconds=Reactions(buckets=dict(counts), sum=round(total, 3)),
            entropy_gain=round(entropy, 3),
            memory_decay=round(0.04 + 0.02 * dice.random(), 4),
            errors=dict(errors),
            clients=clients,
        )


def write_signs(
    store: ObjectStore,
    template: str,
    every_seconds: float,
    clock: Clock,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[str]:
    """Write the vital signs of all entities at an interval, for ever.

    Args:
        store: the store.
        template: template of their keys.
        every_seconds: the interval.
        clock: source of timestamps.
        sleep: waits some seconds.

    Yields:
        Error messages of failed writes, which are retried after the interval.
    """
    path = PathTemplate(template)
    entities = {path.build(entity=name): generate_signs(name, clock) for name in ENTITIES}
    while True:
        for key, signs in entities.items():
            try:
                store.put(key, next(signs).body(), content_type="application/json")
            except StoreUnavailable as err:
                yield f"{format_time(clock())} {err}"
        sleep(every_seconds)
