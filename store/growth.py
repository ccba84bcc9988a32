"""What a question may make of little: some functions turn a few bytes into gigabytes within one call.

Such a call can neither be interrupted nor does it count against the database's memory: `len(range(400000000))` took
15 GB and 69 s under limits of 1 GB and 20 s. So the size must stand in the statement and be small, and the sizes that
work on one another must stay small together. It keeps accidents out; rows, which stream, may be as many as one likes.
"""

from __future__ import annotations

import math
import re

from sqlglot import exp

from store.errors import RefusedSqlError

LIMIT = 10_000  # times that one value may grow: of 2,048 values, which the database takes at once, some 20 MB
# Functions whose answer is as large as a number says, and the place of that number among the arguments.
_SIZE_AT = {
    "repeat": 1, "pad": 1, "lpad": 1, "rpad": 1, "list_resize": 1, "array_resize": 1, "bitstring": 1, "range": 1,
    "generate_series": 1, "equi_width_bins": 2, "reservoir_quantile": 2, "approx_top_k": 1, "max": 1, "min": 1,
    "arg_max": 2, "arg_min": 2, "arg_max_nulls_last": 2, "arg_min_nulls_last": 2,
}  # fmt: skip
# Functions that write a longer text for a short one, and how much longer at most: only their nesting can do harm.
_LONGER = {
    "bin": 8, "to_binary": 8, "hex": 2, "lower_hex": 2, "to_hex": 2, "url_encode": 3, "json_quote": 2, "to_json": 2,
    "regexp_escape": 2,
}  # fmt: skip
# Functions that put one argument in many places of another.
_MULTIPLYING = frozenset({
    "repeat", "pad", "lpad", "rpad", "list_resize", "array_resize", "transform", "list_transform", "array_transform",
    "list_apply", "array_apply", "list_select", "array_select", "list_reduce", "array_reduce", "invoke", "replace",
    "regexp_replace", "array_to_string", "group_concat", "list_aggr", "list_aggregate", "array_aggr", "array_aggregate",
})  # fmt: skip
_REDUCING = frozenset({"list_reduce", "array_reduce"})
_JOINING = (exp.DPipe, exp.Concat, exp.ConcatWs, exp.ArrayConcat)
_SOURCES = (exp.From, exp.Join, exp.With, exp.CTE, exp.Lateral)
_LENGTHS = frozenset({"length", "array_size", "cardinality", "json_array_length"})
_WIDTH, _WIDTH_TOLD = re.compile(r"\{[^{}]*\}"), re.compile(r"\{[^{}]*\{")  # {:5}, {:{}}
_WIDTH_OF_PRINTF, _WIDTH_TOLD_TO_PRINTF = re.compile(r"%[-+ 0#',]*[\d.]+"), re.compile(r"%[-+ 0#',\d.]*\*")  # %5d, %*d


def check_growth(tree: exp.Expr) -> None:
    """Refuse a question in which one value can grow more than LIMIT times.

    Raises:
        RefusedSqlError: names the function, and the way round.
    """
    growth: dict[int, float] = {}
    # Parts before what they are parts of, without recursion: trees can be deeper than the stack.
    for node in reversed(list(tree.walk(bfs=True))):
        own = _own(node)
        growth[id(node)] = own * _of_parts(node, growth)
        if growth[id(node)] > LIMIT:
            raise RefusedSqlError(_refusal(node, own))


def _refusal(node: exp.Expr, own: float) -> str:
    if isinstance(node, exp.DataType):
        return f"An array type may have at most {LIMIT:,} members. Use a list, such as integer[]."
    if own > LIMIT:
        return (
            f"{_written(node)}() is refused without a size of at most {LIMIT:,} that stands in the statement, such as "
            "100 or least(n, 100): no limit could stop it. For more, make rows: FROM range(n) streams."
        )
    return (
        f"Functions that make lists or texts work on one another, so that one value may grow more than {LIMIT:,} "
        "times. Give them smaller sizes, or make rows: FROM range(n) streams."
    )


def _written(node: exp.Expr) -> str:
    """The function as it was written: the parser has one name for two."""
    match node:
        case exp.GenerateSeries():
            return "range" if node.args.get("is_end_exclusive") else "generate_series"
        case exp.Pad():
            return "lpad" if node.args.get("is_left") else "rpad"
        case exp.Lambda() | exp.Comprehension():
            return name_of(node.parent)
        case _:
            return name_of(node)


def _of_parts(node: exp.Expr, growth: dict[int, float]) -> float:
    parts = list(node.iter_expressions())
    if name_of(node) in _MULTIPLYING or isinstance(node, exp.Comprehension | exp.Dot | exp.DataType | exp.With):
        return math.prod(growth[id(part)] for part in parts)
    below = math.prod(growth[id(part)] for part in parts if isinstance(part, _SOURCES))
    return below * max((growth[id(part)] for part in parts if not isinstance(part, _SOURCES)), default=1)


def _own(node: exp.Expr) -> float:
    """How many times larger than its arguments the value of this node can be."""
    name = name_of(node)
    if name in _SIZE_AT and not makes_rows(node):
        return _made(node, name)
    if isinstance(node, exp.DataType) and node.this is exp.DType.ARRAY:
        return math.prod(max(1.0, _size(size)) for size in node.args.get("values") or [])
    if name in {"format", "printf"}:
        return _width(node, name)
    if isinstance(node, exp.Lambda | exp.Comprehension):
        return _copies(node)
    return _LONGER.get(name, 1)


def _made(node: exp.Expr, name: str) -> float:
    """The size that a function is told; infinite when the statement does not say."""
    arguments = [part for part in node.iter_expressions() if not isinstance(part, exp.Boolean)]
    if isinstance(node.parent, exp.Dot):  # x.repeat(3), n.range(): what stands before the dot is an argument too
        return max([1.0, *map(_size, arguments or [node.parent.this])])
    if name == "generate_series":
        return max(1.0, _span(arguments[0], arguments[1]) if len(arguments) > 1 else max(map(_size, arguments)))
    place = _SIZE_AT[name]
    return max(1.0, _size(arguments[place])) if place < len(arguments) else 1.0


def _span(start: exp.Expr, end: exp.Expr) -> float:
    """Members of a series. As many as a list has members, or a text characters, is no growth."""
    if start.is_int and end.is_int:
        return abs(float(end.to_py()) - float(start.to_py())) + 1
    return _size(start, length=1.0) + _size(end, length=1.0)


def _size(node: exp.Expr, length: float = math.inf, depth: int = 20) -> float:
    """The greatest number that an expression can be, as far as its text tells; `length`: what len(x) counts for.

    Sums are read `depth` deep: one of thousands of terms would exhaust the stack.
    """
    if node.is_number:
        return abs(float(node.to_py()))
    match node:
        case exp.Least():
            return min(_size(part, length) for part in node.iter_expressions())
        case exp.Paren() | exp.Cast():
            return _size(node.this, length, depth)
        case exp.Add() | exp.Sub() if depth:
            return _size(node.this, length, depth - 1) + _size(node.expression, length, depth - 1)
        case exp.Mul() if depth:
            factors = [_size(part, length, depth - 1) for part in (node.this, node.expression)]
            return math.prod(max(1.0, factor) for factor in factors)  # not zero times infinite
        case _:
            return length if name_of(node) in _LENGTHS else math.inf


def _width(node: exp.Expr, name: str) -> float:
    """The widths that a format asks for; infinite when they, or the format, are arguments."""
    told = next(node.iter_expressions(), None)
    if not isinstance(told, exp.Literal):
        return math.inf
    text = told.name.replace("{{", "").replace("%%", "")
    if (_WIDTH_TOLD if name == "format" else _WIDTH_TOLD_TO_PRINTF).search(text):
        return math.inf
    places = (_WIDTH if name == "format" else _WIDTH_OF_PRINTF).findall(text)
    return max(1.0, sum(float(digits) for place in places for digits in re.findall(r"\d+", place)))


def _copies(node: exp.Expr) -> float:
    """How often a lambda joins its argument to itself; a reduction does so again and again: infinite."""
    names = [one.name for one in (node.expressions or [node.expression])]
    joined = [one.name for one in node.this.find_all(exp.Identifier) if isinstance(_holder(one), _JOINING)]
    copies = max((joined.count(name) for name in names), default=0)
    if copies > 1 and name_of(node.parent) in _REDUCING:
        return math.inf
    return max(1, copies)


def _holder(identifier: exp.Expr) -> exp.Expr | None:
    parent = identifier.parent
    return parent.parent if isinstance(parent, exp.Column) else parent


def makes_rows(node: exp.Expr) -> bool:
    """Whether a function stands where rows come from."""
    return isinstance(node.parent, exp.Table | exp.From | exp.Join | exp.Lateral)


def name_of(node: exp.Expr | None) -> str:
    """The function's name in lower case, as far as the parser keeps it; empty for all else."""
    if not isinstance(node, exp.Func):
        return ""
    return (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()
