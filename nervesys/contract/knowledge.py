"""Shared knowledge: what each agent learned, and the one tree that all of it adds up to.

    shared/knowledge/{agent}.json    {"learned": {"/deploy/window": {"value": "02:00", "timestamp": "…Z"}}}
    shared/knowledge_base.json       {"deploy": {"window": "02:00"}, "_learned": {"/deploy/window": {"grok": {…}}}}

Each agent writes an object of its own, so that no two ever write the same one. Joining them takes the newest word of
each agent about each value, in whatever order and however often they are joined; of several agents' words the newest
counts, and the others stay in `_learned`. Values are addressed as RFC 6901 has it; an array is one value.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nervesys.contract.state import ContractObject, Instant
from nervesys.contract.times import format_time, parse_time
from nervesys.errors import BadObject, Reason

LEARNED = "_learned"
"""Key of the tree under which it is kept who said what."""
SOMEBODY = ""
"""In place of an agent, for who wrote to the tree itself."""
AHEAD_SECONDS = 300.0
"""That an agent's clock may be ahead of the store's; else its word would count long after newer ones."""


class Said(ContractObject):
    """A value, and when it was learned."""

    value: Any
    timestamp: Instant

    @property
    def order(self) -> tuple[float, str]:
        """Of two words the greater one counts; at the same instant, any rule will do that all go by."""
        return self.timestamp, _json(self.value)


class _Contribution(ContractObject):
    learned: dict[str, Said]


@dataclass(frozen=True)
class Knowledge:
    """Who said what: by the address of the value, then by agent."""

    said: Mapping[str, Mapping[str, Said]]

    def tree(self) -> dict[str, Any]:
        """What all of it adds up to; the newer of a value and of what lies below its address hides the other."""
        root: dict[str, Any] = {}
        for address, said in sorted(self._newest(), key=lambda pair: (pair[1].order, pair[0])):
            _set(root, address, said.value)
        return root

    def body(self) -> bytes:
        """The tree as it is stored, with who said what; equal knowledge gives equal bytes."""
        learned = {address: _told(agents) for address, agents in self.said.items()}
        return _json(self.tree() | {LEARNED: learned}, indent=1).encode() + b"\n"

    def contribution(self, agent: str) -> bytes:
        """What one agent said, as its own object."""
        own = {address: agents[agent] for address, agents in self.said.items() if agent in agents}
        return _json({"learned": _told(own)}, indent=1).encode() + b"\n"

    def _newest(self) -> Iterator[tuple[str, Said]]:
        for address, agents in self.said.items():
            yield address, max(agents.items(), key=lambda pair: (pair[1].timestamp, pair[0]))[1]


NOTHING = Knowledge({})


def join(parts: Iterable[Knowledge]) -> Knowledge:
    """All of several: of each agent's words about a value, the newest."""
    said: dict[str, dict[str, Said]] = {}
    for part in parts:
        for address, agents in part.said.items():
            there = said.setdefault(address, {})
            for agent, word in agents.items():
                there[agent] = max(there.get(agent, word), word, key=lambda one: one.order)
    return Knowledge(said)


def learned(agent: str, key: str, value: Any, now: float) -> Knowledge:
    """What an agent learns.

    Args:
        agent: who it is.
        key: where the value belongs, such as `deploy/window`.
        value: what JSON can hold; of an object, each value is learned apart.
        now: Unix seconds.

    Raises:
        BadObject: the key is none, or the value is nothing that JSON can hold.
    """
    parts = key.split("/")
    if not all(parts) or parts[0] == LEARNED:
        raise BadObject(Reason.BAD_KEY, f"{key[:200]!r} is no key of knowledge; use names with / between them")
    try:
        value = json.loads(_json(value))
    except (TypeError, ValueError, RecursionError) as err:
        raise BadObject(Reason.BAD_VALUE, f"{key}: nothing that JSON can hold: {err}") from None
    now = parse_time(format_time(now))  # as precisely as it is kept
    return Knowledge({at: {agent: Said(value=leaf, timestamp=now)} for at, leaf in _leaves(_address(parts), value)})


def contributed(agent: str, body: bytes, modified: float) -> Knowledge:
    """What an agent's own object says.

    Args:
        agent: in the object's key: nobody can speak for another one.
        body: the object.
        modified: when it was written, Unix seconds by the store's clock.

    Raises:
        BadObject: it is no such object.
    """
    words = _Contribution.parse(body).learned
    for at in words:
        if not at.startswith("/") or _parts(at)[0] == LEARNED:
            raise BadObject(Reason.BAD_KEY, f"{at[:200]!r} is no address of knowledge")
    return Knowledge({at: {agent: _no_later(word, modified)} for at, word in words.items()})


def kept(body: bytes, modified: float) -> Knowledge:
    """What the tree says, with what somebody changed in it by hand, as of when it was written.

    Raises:
        BadObject: it is no JSON object, or `_learned` is damaged.
    """
    try:
        tree = json.loads(body)
    except (ValueError, RecursionError):
        raise BadObject(Reason.BAD_JSON, "not JSON") from None
    if not isinstance(tree, dict):
        raise BadObject(Reason.BAD_JSON, "not a JSON object")
    said = tree.pop(LEARNED, {})
    if not isinstance(said, dict) or not all(isinstance(agents, dict) and agents for agents in said.values()):
        raise BadObject(Reason.BAD_VALUE, f"{LEARNED}: not an object of objects")
    known = Knowledge(
        {at: {agent: Said.parse(_json(word).encode()) for agent, word in agents.items()} for at, agents in said.items()}
    )
    ours = {at: _json(leaf) for at, leaf in _leaves("", known.tree())}
    by_hand = {at: leaf for at, leaf in _leaves("", tree) if at and ours.get(at) != _json(leaf)}
    return join(
        [known, Knowledge({at: {SOMEBODY: Said(value=leaf, timestamp=modified)} for at, leaf in by_hand.items()})]
    )


def _no_later(word: Said, modified: float) -> Said:
    return word if word.timestamp <= modified + AHEAD_SECONDS else word.model_copy(update={"timestamp": modified})


def _told(words: Mapping[str, Said]) -> dict[str, Any]:
    return {name: {"value": word.value, "timestamp": format_time(word.timestamp)} for name, word in words.items()}


def _leaves(address: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every value that is no object, and every empty object, by its address."""
    if isinstance(value, dict) and value:
        for name, below in value.items():
            yield from _leaves(address + _address([name]), below)
    else:
        yield address, value


def _set(root: dict[str, Any], address: str, value: Any) -> None:
    *above, last = _parts(address)
    for name in above:
        if not isinstance(root.get(name), dict):
            root[name] = {}
        root = root[name]
    if value != {} or not isinstance(root.get(last), dict):
        root[last] = value


def _address(parts: Iterable[str]) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def _parts(address: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in address.split("/")[1:]]


def _json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=indent)
