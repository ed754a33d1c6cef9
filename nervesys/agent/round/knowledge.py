"""Merges the agents' knowledge into one object.

The agents' own objects stay: a merge that was interrupted, or made by two programs at once, is completed by the next
one. People may edit the merged object, which holds all that is left of their statements: it is read again right before
it is replaced, and merged again if it changed. Not every store has conditional writes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from nervesys.agent.knowledge import MAX_BYTES, read_shared, shared_key
from nervesys.contract import PathTemplate
from nervesys.contract.knowledge import NOTHING, Knowledge, merge, parse_contribution
from nervesys.contract.names import agent_name
from nervesys.errors import BadObject, StoreUnavailable
from nervesys.settings.storage import StorePaths
from nervesys.stores.encryption import decrypt_body, encrypt, is_encrypted
from nervesys.stores.objects import ObjectStore, too_large

ATTEMPTS = 5


@dataclass
class KnowledgeMerge:
    """One merge.

    Attributes:
        store: holds the agents' objects and the merged one.
        paths: of these objects.
        recipients: of age encryption of the merged object; plain if there are none.
        learned: further statements; those that the merged object has already are not renewed.
        problems: objects that could not be parsed.
    """

    store: ObjectStore
    paths: StorePaths
    recipients: Sequence[str] = ()
    learned: Knowledge = NOTHING
    problems: list[str] = field(default_factory=list)

    def run(self) -> int | None:
        """Merge; returns the number of values, or None if nothing changed.

        Raises:
            StoreUnavailable: the store does not answer, the stored body differs from the one sent, or the merged object
                changed during each of `ATTEMPTS`.
            BadObject: the merged object cannot be parsed, or would be too large; it is not overwritten.
        """
        contributions, key = list(self._contributions()), shared_key(self.paths)
        if not contributions and not self.learned.statements:
            return None
        for _ in range(ATTEMPTS):
            before = read_shared(self.store, key)
            merged = self._merge(contributions, *before)
            if merged is None:
                return None
            body = encrypt(merged.body(), self.recipients)
            if len(body) > MAX_BYTES:  # nobody could read it, and it would replace one that all can read
                raise too_large(key, MAX_BYTES)
            if read_shared(self.store, key)[0] != before[0]:
                continue
            self.store.put(key, body, content_type="application/json")
            if self.store.get(key, max_bytes=MAX_BYTES) != body:
                raise StoreUnavailable(f"put {key}: the stored body differs from the one sent")
            return len(merged.statements)
        raise StoreUnavailable(f"put {key}: others changed it {ATTEMPTS} times meanwhile; the next round merges again")

    def merge(self) -> Knowledge | None:
        """The merged object; None if nothing changed.

        Raises:
            StoreUnavailable: the store does not answer.
            BadObject: the merged object cannot be parsed.
        """
        contributions = list(self._contributions())
        if not contributions and not self.learned.statements:
            return None
        return self._merge(contributions, *read_shared(self.store, shared_key(self.paths)))

    def _merge(self, contributions: Sequence[Knowledge], stored: bytes, base: Knowledge) -> Knowledge | None:
        merged = merge([base, *contributions, _without_known(self.learned, base)])
        plain = decrypt_body(stored, shared_key(self.paths))
        unchanged = merged.body() == plain and is_encrypted(stored) == bool(self.recipients)
        return None if unchanged else merged

    def _contributions(self) -> Iterator[Knowledge]:
        template = PathTemplate(self.paths.knowledge)
        for info in self.store.list(template.prefix()).objects:
            fields = template.parse(info.key)
            if fields is None:
                continue
            try:
                body = decrypt_body(self.store.get(info.key, max_bytes=MAX_BYTES), info.key)
                yield parse_contribution(agent_name(fields["agent"]), body, info.modified)
            except BadObject as bad:
                self.problems.append(f"{info.key} is not in the knowledge base: {bad}")


def _without_known(learned: Knowledge, base: Knowledge) -> Knowledge:
    """Those statements whose value is not the one that the same writer stated before."""
    new = {
        address: agents
        for address, agents in learned.statements.items()
        if any(
            (known := base.statements.get(address, {}).get(agent)) is None or known.value != statement.value
            for agent, statement in agents.items()
        )
    }
    return Knowledge(new)
