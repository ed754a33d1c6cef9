"""What the fleet learned, brought into one object.

Agents leave objects of their own, which stay: a merge that is interrupted, or done by two at once, is done whole by the
next one. Nothing of it relies on a store that compares before it writes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from nervesys.agent.knowledge import MAX_BYTES, known, shared_key
from nervesys.contract import PathTemplate
from nervesys.contract.knowledge import Knowledge, contributed, join
from nervesys.contract.names import agent_name
from nervesys.errors import BadObject, StoreUnavailable
from nervesys.settings.storage import StorePaths
from nervesys.stores.objects import ObjectStore


@dataclass
class Merge:
    """One merge.

    Attributes:
        store: holds the objects of agents, and takes the one of all.
        paths: where these lie.
        trouble: what could not be read.
    """

    store: ObjectStore
    paths: StorePaths
    trouble: list[str] = field(default_factory=list)

    def run(self) -> int | None:
        """Merge; returns how many values are known now, or None where nothing was new.

        Raises:
            StoreUnavailable: the store does not answer, or another content lies there than was sent.
            BadObject: what was merged before cannot be read; it stays as it is.
        """
        contributions = list(self._contributions())
        if not contributions:
            return None
        key = shared_key(self.paths)
        before, base = known(self.store, key)
        merged = join([base, *contributions])
        body = merged.body()
        if body == before:
            return None
        self.store.put(key, body, content_type="application/json")
        if self.store.get(key, max_bytes=MAX_BYTES) != body:
            raise StoreUnavailable(f"put {key}: what lies there is not what was sent")
        return len(merged.said)

    def _contributions(self) -> Iterator[Knowledge]:
        template = PathTemplate(self.paths.knowledge)
        for info in self.store.list(template.prefix()).objects:
            fields = template.parse(info.key)
            if fields is None:
                continue
            try:
                body = self.store.get(info.key, max_bytes=MAX_BYTES)
                yield contributed(agent_name(fields["agent"]), body, info.modified)
            except BadObject as bad:
                self.trouble.append(f"{info.key} is left out of the knowledge base: {bad}")
