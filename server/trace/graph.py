"""The agent graph of a trace: who called what, how often, how long, and where it failed; laid out in layers. Pure.

Collapsed, a node is all spans of one kind and name: an agent, a model, a tool, a retriever. Expanded, it is one span.
Steps of no such kind are passed over: what they called is called by the step above them; so are spans that tell a call
again which another tells, else a model would seem to call itself. An edge is a call by the node nearest above in the
tree. Layers are longest ways from the top once edges that go back are set aside (Sugiyama, Tagawa,
Toda 1981), and within a layer nodes stand by the mean place of their neighbours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from server.trace.layout import NO_ROW, Layout

KINDS = frozenset(
    {"agent", "workflow", "llm", "embedding", "tool", "retriever", "reranker", "guardrail", "mcp", "memory"}
)
MOST_NODES = 60
MOST_SPANS = 50  # of a node, that a click lists
SWEEPS = 4
_NAMED: dict[str, tuple[str, ...]] = {
    "agent": ("agent_name",), "llm": ("model",), "embedding": ("model",), "tool": ("tool_name",), "mcp": ("tool_name",),
}  # fmt: skip
Row = dict[str, Any]
Key = tuple[str, str]


@dataclass(slots=True)
class Node:
    """Spans of one kind and name. Times and tokens are sums; null: nobody told any."""

    number: int
    kind: str
    name: str
    count: int = 0
    errors: int = 0
    duration_ns: int = 0
    tokens: int | None = None
    cost_usd: float | None = None
    spans: list[str] = field(default_factory=list)  # ids of the first `MOST_SPANS`
    layer: int = 0
    place: float = 0.0  # within the layer, from 0 on

    def add(self, span: Row) -> None:
        """Count one more."""
        self.count += 1
        self.errors += _failed(span)
        self.duration_ns += span["duration_ns"] or 0
        told = [span[side] for side in ("input_tokens", "output_tokens") if span[side] is not None]
        counts = span["usage_role"] != "aggregate"
        if told and counts:
            self.tokens = (self.tokens or 0) + sum(told)
        if span["cost_usd"] is not None and counts:
            self.cost_usd = (self.cost_usd or 0.0) + float(span["cost_usd"])
        if len(self.spans) < MOST_SPANS:
            self.spans.append(f"{span['span_id']:016x}")


@dataclass(slots=True)
class Edge:
    """Calls of one node by another, or by itself."""

    above: int
    below: int
    count: int = 0
    errors: int = 0
    duration_ns: int = 0


def _failed(span: Row) -> bool:
    return span["status"] == "error" or span["error_type"] is not None


def graph(layout: Layout, *, expanded: bool) -> Row:
    """`nodes` and `edges` with their places, `layers`, and spans of such kinds that are not among them.

    `left_out`: they are beyond the first 60 nodes; `again`: they tell a call again.
    """
    drawn = _Drawn(_apart if expanded else _together)
    for row, span in _spans(layout):
        drawn.add(row, int(layout.parent[row]), span)
    place(list(drawn.nodes.values()), list(drawn.edges.values()))
    return {
        "nodes": [_node(one) for one in drawn.nodes.values()], "edges": [_edge(one) for one in drawn.edges.values()],
        "layers": 1 + max((one.layer for one in drawn.nodes.values()), default=-1), "left_out": drawn.left_out,
        "again": drawn.again,
    }  # fmt: skip


def _spans(layout: Layout) -> Iterable[tuple[int, Row]]:
    """Rows from the top with what a node is made of; null for the synthetic one is passed over."""
    names = (
        "span_id",
        "name", "kind", "status", "error_type", "duration_ns", "model", "tool_name", "agent_name", "usage_role",
        "input_tokens", "output_tokens", "cost_usd",
    )  # fmt: skip
    columns = {name: layout.spans[name].to_pylist() for name in names}
    for row, at in enumerate(layout.source.tolist()):
        if at != NO_ROW:
            yield row, {name: values[at] for name, values in columns.items()}


def _together(_row: int, span: Row) -> Key:
    return span["kind"], _name(span)


def _apart(row: int, span: Row) -> Key:
    return span["kind"], f"{row} {_name(span)}"


def _name(span: Row) -> str:
    return next((str(span[name]) for name in _NAMED.get(span["kind"], ()) if span[name]), str(span["name"]))


class _Drawn:
    def __init__(self, key: Callable[[int, Row], Key]) -> None:
        self.key = key
        self.nodes: dict[Key, Node] = {}
        self.edges: dict[tuple[int, int], Edge] = {}
        self.nearest: dict[int, int] = {}  # of a row: the node that it is of, else the one nearest above
        self.left_out = 0
        self.again = 0

    def add(self, row: int, parent: int, span: Row) -> None:
        """Parents come first: rows go from the top."""
        above = self.nearest.get(parent)
        node = self._node(row, span)
        if node is None:
            if above is not None:
                self.nearest[row] = above
            return
        self.nearest[row] = node.number
        node.add(span)
        if above is not None:
            edge = self.edges.setdefault((above, node.number), Edge(above, node.number))
            edge.count += 1
            edge.errors += _failed(span)
            edge.duration_ns += span["duration_ns"] or 0

    def _node(self, row: int, span: Row) -> Node | None:
        if span["kind"] not in KINDS:
            return None
        if span["usage_role"] == "duplicate":
            self.again += 1
            return None
        key = self.key(row, span)
        if key not in self.nodes:
            if len(self.nodes) >= MOST_NODES:
                self.left_out += 1
                return None
            self.nodes[key] = Node(len(self.nodes), span["kind"], _name(span))
        return self.nodes[key]


def place(nodes: list[Node], edges: list[Edge]) -> None:
    """Gives each node its layer and its place in it."""
    below: dict[int, list[int]] = defaultdict(list)
    for above, under in _forward(nodes, edges):
        below[above].append(under)
    _layers(nodes, below)
    layers: dict[int, list[Node]] = defaultdict(list)
    for node in nodes:
        layers[node.layer].append(node)
    _number(layers)
    beside: dict[int, list[int]] = defaultdict(list)
    for edge in edges:
        beside[edge.above].append(edge.below)
        beside[edge.below].append(edge.above)
    for sweep in range(SWEEPS):
        for layer in sorted(layers, reverse=bool(sweep % 2)):
            _sort(layers[layer], nodes, beside)


def _forward(nodes: list[Node], edges: list[Edge]) -> Iterable[tuple[int, int]]:
    """Edges without those that lead back to a node on the way down to them, and without loops of one node."""
    below: dict[int, list[int]] = defaultdict(list)
    for edge in edges:
        below[edge.above].append(edge.below)
    done: set[int] = set()
    for top in range(len(nodes)):
        if top not in done:
            yield from _down(top, below, done)


def _down(top: int, below: dict[int, list[int]], done: set[int]) -> Iterable[tuple[int, int]]:
    way, open_nodes = [(top, iter(below[top]))], {top}
    while way:
        node, under = way[-1]
        following = next(under, None)
        if following is None:
            way.pop()
            open_nodes.discard(node)
            done.add(node)
        elif following not in open_nodes:
            yield node, following
            if following not in done:
                open_nodes.add(following)
                way.append((following, iter(below[following])))


def _layers(nodes: list[Node], below: dict[int, list[int]]) -> None:
    """The longest way from the top, by taking nodes whose callers are all placed."""
    callers = [0] * len(nodes)
    for under in below.values():
        for one in under:
            callers[one] += 1
    ready = [node.number for node in nodes if not callers[node.number]]
    while ready:
        above = ready.pop()
        for one in below[above]:
            nodes[one].layer = max(nodes[one].layer, nodes[above].layer + 1)
            callers[one] -= 1
            if not callers[one]:
                ready.append(one)


def _sort(layer: list[Node], nodes: list[Node], beside: dict[int, list[int]]) -> None:
    def wanted(node: Node) -> float:
        others = [nodes[one].place for one in beside[node.number] if nodes[one].layer != node.layer]
        return sum(others) / len(others) if others else node.place

    layer.sort(key=wanted)
    _number({0: layer})


def _number(layers: dict[int, list[Node]]) -> None:
    """Places are centred around 0: layers of few nodes stand in the middle."""
    for layer in layers.values():
        for at, node in enumerate(layer):
            node.place = at - (len(layer) - 1) / 2


def _node(one: Node) -> Row:
    return {
        "number": one.number, "kind": one.kind, "name": one.name[:200], "count": one.count, "errors": one.errors,
        "duration_ns": one.duration_ns, "tokens": one.tokens, "cost_usd": one.cost_usd, "spans": one.spans,
        "layer": one.layer, "place": one.place,
    }  # fmt: skip


def _edge(one: Edge) -> Row:
    return {
        "above": one.above, "below": one.below, "count": one.count, "errors": one.errors,
        "duration_ns": one.duration_ns,
    }  # fmt: skip
