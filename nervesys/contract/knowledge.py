"""Shared knowledge: what each agent learned, and the tree that results from merging it.

    shared/knowledge/{agent}.json    {"learned": {"/deploy/window": {"value": "02:00", "timestamp": "…Z"}}}
    shared/knowledge_base.json       {"deploy": {"window": "02:00"}, "_learned": {"/deploy/window": {"grok": {…}}}}

Each agent writes its own object, so that no two agents write the same one. Merging keeps the newest statement of each
agent about each value; it is commutative and idempotent (a CRDT, last writer wins). The newest statement of all agents
is the value in the tree; the others are kept in `_learned`. Values are addressed by JSON Pointers (RFC 6901); an array
is one value.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator

from nervesys.contract.objects import ContractObject, Instant
from nervesys.contract.times import format_time, parse_time
from nervesys.contract.validation import repair_text
from nervesys.errors import BadObject, Reason

LEARNED = "_learned"
"""Key of the tree that holds the statements of all agents."""
PERSON = ""
"""Stands for an agent's name where a person edited the tree."""
AHEAD_SECONDS = 300.0
"""How far an agent's clock may be ahead of the store's; otherwise its statements would win over newer ones."""


def _check_json(value: Any) -> Any:
    """Refuse NaN and numbers beyond all floats, of which the tree could not be written again."""
    _json(value)
    return value


class Statement(ContractObject):
    """A value, and when an agent learned it."""

    null_is_value: ClassVar[bool] = True
    value: Annotated[Any, AfterValidator(_check_json)]
    timestamp: Instant

    @property
    def order(self) -> tuple[float, str]:
        """Sort key: the greatest statement wins. Ties are broken by the value, so that all agents agree."""
        return self.timestamp, _json(self.value)


class _Contribution(ContractObject):
    null_is_value: ClassVar[bool] = True
    learned: dict[str, Statement]


@dataclass(frozen=True)
class Knowledge:
    """All statements, by the address of the value, then by agent."""

    statements: Mapping[str, Mapping[str, Statement]]

    def tree(self) -> dict[str, Any]:
        """The merged tree. Of a value and of values below its address, the newer hides the others."""
        root: dict[str, Any] = {}
        for address, statement in sorted(self._newest(), key=lambda pair: (pair[1].order, pair[0])):
            _set(root, address, statement.value)
        return root

    def body(self) -> bytes:
        """The tree as it is stored, with all statements; deterministic."""
        statements = {address: _dump_statements(agents) for address, agents in self.statements.items()}
        return _json(self.tree() | {LEARNED: statements}, indent=1).encode() + b"\n"

    def contribution(self, agent: str) -> bytes:
        """The object of one agent, with its statements."""
        own = {address: agents[agent] for address, agents in self.statements.items() if agent in agents}
        return _json({"learned": _dump_statements(own)}, indent=1).encode() + b"\n"

    def _newest(self) -> Iterator[tuple[str, Statement]]:
        for address, agents in self.statements.items():
            yield address, max(agents.items(), key=lambda pair: (pair[1].timestamp, pair[0]))[1]


NOTHING = Knowledge({})


def merge(parts: Iterable[Knowledge]) -> Knowledge:
    """Merge: of each agent's statements about a value, keep the newest."""
    merged: dict[str, dict[str, Statement]] = {}
    for part in parts:
        for address, agents in part.statements.items():
            by_agent = merged.setdefault(address, {})
            for agent, statement in agents.items():
                by_agent[agent] = max(by_agent.get(agent, statement), statement, key=lambda item: item.order)
    return Knowledge(merged)


def learn_value(agent: str, key: str, value: Any, now: float) -> Knowledge:
    """The statements of an agent that learns a value.

    Args:
        agent: its name.
        key: path of the value, such as `deploy/window`.
        value: any JSON value; each value of an object is a statement of its own.
        now: Unix seconds.

    Raises:
        BadObject: the key is invalid, or the value cannot be represented in JSON.
    """
    parts = key.split("/")
    if not all(parts) or parts[0] == LEARNED:
        raise BadObject(Reason.BAD_KEY, f"{key[:200]!r} is not a key of knowledge; use names separated by /")
    try:
        value = json.loads(_json(value))
    except (TypeError, ValueError, RecursionError) as err:
        raise BadObject(Reason.BAD_VALUE, f"{key}: not a JSON value: {err}") from None
    now = parse_time(format_time(now))  # as precisely as it is kept
    return Knowledge(
        {at: {agent: Statement(value=leaf, timestamp=now)} for at, leaf in _leaves(_address(parts), value)}
    )


def parse_contribution(agent: str, body: bytes, modified: float) -> Knowledge:
    """Parse the object of an agent.

    Args:
        agent: taken from the object's key, so that no agent can write statements of another.
        body: the object.
        modified: when it was written, in Unix seconds by the store's clock.

    Raises:
        BadObject: the object is invalid.
    """
    statements = _Contribution.parse(body).learned
    for at in statements:
        if not at.startswith("/") or _parts(at)[0] == LEARNED:
            raise BadObject(Reason.BAD_KEY, f"{at[:200]!r} is not an address of knowledge")
    return Knowledge({at: {agent: _cap_timestamp(statement, modified)} for at, statement in statements.items()})


def parse_tree(body: bytes, modified: float) -> Knowledge:
    """Parse the tree. Values that a person changed become statements as of when the tree was written.

    Raises:
        BadObject: it is not a JSON object, or `_learned` is damaged.
    """
    try:
        tree = json.loads(repair_text(body))
        _json(tree)  # no number is beyond all floats
    except (ValueError, RecursionError):
        raise BadObject(Reason.BAD_JSON, "not JSON") from None
    if not isinstance(tree, dict):
        raise BadObject(Reason.BAD_JSON, "not a JSON object")
    stored = tree.pop(LEARNED, {})
    if not isinstance(stored, dict) or not all(isinstance(agents, dict) and agents for agents in stored.values()):
        raise BadObject(Reason.BAD_VALUE, f"{LEARNED}: not an object of objects")
    known = Knowledge(
        {
            at: {agent: Statement.parse(_json(item).encode()) for agent, item in agents.items()}
            for at, agents in stored.items()
        }
    )
    derived = {at: _json(leaf) for at, leaf in _leaves("", known.tree())}
    by_hand = {at: leaf for at, leaf in _leaves("", tree) if at and derived.get(at) != _json(leaf)}
    return merge(
        [known, Knowledge({at: {PERSON: Statement(value=leaf, timestamp=modified)} for at, leaf in by_hand.items()})]
    )


def _cap_timestamp(statement: Statement, modified: float) -> Statement:
    """Replace an instant that lies in the future of the store's clock."""
    if statement.timestamp <= modified + AHEAD_SECONDS:
        return statement
    return statement.model_copy(update={"timestamp": modified})


def _dump_statements(statements: Mapping[str, Statement]) -> dict[str, Any]:
    return {
        name: {"value": statement.value, "timestamp": format_time(statement.timestamp)}
        for name, statement in statements.items()
    }


def _leaves(address: str, value: Any) -> Iterator[tuple[str, Any]]:
    """All values that are not objects, and empty objects, by their address."""
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
