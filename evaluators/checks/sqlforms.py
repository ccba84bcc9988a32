"""Normal forms of SQL queries, by sqlglot's optimiser and a few rules more. Importing this loads sqlglot (0.1 s)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer import optimize
from sqlglot.optimizer.scope import traverse_scope
from sqlglot.optimizer.simplify import simplify

from evaluators.checks.outcome import counted

Tables = Mapping[str, Mapping[str, str]]

_MIRRORED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.EQ, exp.NEQ: exp.NEQ, exp.LT: exp.GT, exp.GT: exp.LT, exp.LTE: exp.GTE, exp.GTE: exp.LTE,
}  # fmt: skip


def normal_forms(
    said: exp.Expr, due: exp.Expr, tables: Tables | None = None, dialect: str | None = None
) -> tuple[exp.Expr, exp.Expr]:
    """Both queries qualified, simplified and in a fixed order of sides, so that equal trees ask for the same rows.

    What cannot be qualified (a star without `tables`, a column of one of several tables) stays as it is written.
    """
    said, due = _plain(_unordered(said, due)), _plain(due)
    known = tables or _columns_used(said, due)
    try:
        plain = [_optimised(query, known, dialect) for query in (said, due)]
    except SqlglotError:
        plain = [simplify(_lowered(query.copy())) for query in (said, due)]
    a, b = (_ordered(_renamed(query)) for query in plain)
    return a, b


_INVERSE: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.NEQ, exp.NEQ: exp.EQ, exp.LT: exp.GTE, exp.GTE: exp.LT, exp.GT: exp.LTE, exp.LTE: exp.GT,
}  # fmt: skip


def _plain(query: exp.Expr) -> exp.Expr:
    """Comparisons in one form: constants at the right, no `between`, and `not` only where nothing can take it in.

    sqlglot 30 merges `b >= 2 and b > 2` into either, by which stands first, unless it sorts them; it does so by text.
    """
    query = query.copy()
    for one in reversed(list(query.walk(bfs=True))):
        if isinstance(one, exp.Between) and not one.args.get("symmetric"):
            low = exp.GTE(this=one.this.copy(), expression=one.args["low"].copy())
            high = exp.LTE(this=one.this.copy(), expression=one.args["high"].copy())
            one.replace(exp.paren(exp.and_(low, high)))
        elif isinstance(one, exp.Not):
            one.replace(_negated(one.this))
        elif isinstance(one, exp.Binary) and type(one) in _MIRRORED and _stands_last(one.left, one.right):
            one.replace(_MIRRORED[type(one)](this=one.right.copy(), expression=one.left.copy()))
    return query


def _negated(one: exp.Expr) -> exp.Expr:
    """Its opposite, which is unknown where it is."""
    inner = one.unnest()
    if isinstance(inner, exp.Not):
        return exp.paren(inner.this.copy())
    if isinstance(inner, exp.And | exp.Or):
        turned = exp.or_ if isinstance(inner, exp.And) else exp.and_
        return exp.paren(turned(_negated(inner.left), _negated(inner.right)))
    if isinstance(inner, exp.Binary) and type(inner) in _INVERSE:
        return _INVERSE[type(inner)](this=inner.left.copy(), expression=inner.right.copy())
    return exp.Not(this=one.copy())


def _optimised(query: exp.Expr, known: Tables, dialect: str | None) -> exp.Expr:
    return optimize(query, schema={**known}, dialect=dialect)


def _unordered(said: exp.Expr, due: exp.Expr) -> exp.Expr:
    """The answer without an order of rows that the reference does not ask for, where no limit depends on it."""
    if due.args.get("order") or said.args.get("limit") or not said.args.get("order"):
        return said
    bare = said.copy()
    bare.set("order", None)
    return bare


def _lowered(query: exp.Expr) -> exp.Expr:
    for one in query.find_all(exp.Identifier):
        if not one.args.get("quoted"):
            one.set("this", one.name.lower())
    return query


def _columns_used(*queries: exp.Expr) -> Tables:
    """The columns that the queries show their tables to have, since the optimiser needs to know whose a column is."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for query in queries:
        for scope in traverse_scope(query):
            tables = {name: one for name, one in scope.sources.items() if isinstance(one, exp.Table)}
            alone = next(iter(tables)) if len(scope.sources) == 1 and tables else None
            for column in scope.columns:
                table = tables.get(column.table or alone or "")
                if table is not None:
                    found[table.name.lower()][column.name.lower()] = "unknown"
    return found


def _renamed(query: exp.Expr) -> exp.Expr:
    """Aliases of tables by table and number; names of output columns, quotes and comments are left out."""
    named = sorted(query.find_all(exp.Table), key=lambda one: one.name)
    aliases = {one.alias_or_name: f"{one.name}.{at}" for at, one in enumerate(named)}
    for column in query.find_all(exp.Column):
        if column.table in aliases:
            column.set("table", exp.to_identifier(aliases[column.table]))
    for table in named:
        table.set("alias", exp.TableAlias(this=exp.to_identifier(aliases[table.alias_or_name])))
    for one in query.walk():
        one.comments = None
        if isinstance(one, exp.Identifier):
            one.set("quoted", False)
    for select in list(query.find_all(exp.Select)):
        if select.parent is None or isinstance(select.parent, exp.SetOperation):
            select.set("expressions", [one.unalias() for one in select.expressions])
    return query


def _ordered(query: exp.Expr) -> exp.Expr:
    """The tree with each choice of writing made one way, from the leaves up."""
    for one in reversed(list(query.walk(bfs=True))):
        _settle(one)
    return query


def _settle(one: exp.Expr) -> None:
    if isinstance(one, exp.Or):
        _as_in(one)
    if isinstance(one, exp.And | exp.Or | exp.Add | exp.Mul) and type(one.parent) is not type(one):
        _sort_chain(one)
    elif isinstance(one, exp.Binary) and type(one) in _MIRRORED and _stands_last(one.left, one.right):
        one.replace(_MIRRORED[type(one)](this=one.right.copy(), expression=one.left.copy()))
    elif isinstance(one, exp.In | exp.Group):
        unique = {item.sql(): item for item in one.expressions}
        one.set("expressions", [unique[key] for key in sorted(unique)])
    elif isinstance(one, exp.Count) and isinstance(one.this, exp.Literal):
        one.set("this", exp.Star())
    elif isinstance(one, exp.Select):
        _settle_select(one)


def _stands_last(left: exp.Expr, right: exp.Expr) -> bool:
    """Constants stand at the right; of two others the lesser text stands at the left."""
    a, b = isinstance(left, exp.Literal), isinstance(right, exp.Literal)
    return a > b or (a == b and left.sql() > right.sql())


def _as_in(one: exp.Or) -> None:
    """`a = 1 or a = 2` as `a in (1, 2)`, where the whole chain is such."""
    if isinstance(one.parent, exp.Or):
        return
    parts = list(one.flatten())
    equals = [part for part in parts if isinstance(part, exp.EQ) and isinstance(part.right, exp.Literal)]
    if len(equals) == len(parts) and len({part.left.sql() for part in equals}) == 1:
        unique = {part.right.sql(): part.right.copy() for part in equals}
        one.replace(exp.In(this=equals[0].left.copy(), expressions=[unique[key] for key in sorted(unique)]))


def _sort_chain(one: exp.Expr) -> None:
    parts = sorted((part.copy() for part in one.flatten()), key=lambda part: part.sql())
    chain = parts[0]
    for part in parts[1:-1]:
        chain = type(one)(this=chain, expression=part)
    one.set("this", chain)
    one.set("expression", parts[-1])


def _settle_select(one: exp.Select) -> None:
    """A grouping by all that is selected is a `distinct`; inner joins stand in the order of their tables."""
    group = one.args.get("group")
    summed = one.args.get("having") or any(one.find_all(exp.AggFunc))
    if group and not summed and _texts(group.expressions) == _texts(one.expressions):
        one.set("group", None)
        one.set("distinct", exp.Distinct())
    _settle_joins(one)


def _texts(columns: list[exp.Expr]) -> set[str]:
    return {column.unalias().sql() for column in columns}


def _settle_joins(one: exp.Select) -> None:
    """Tables of inner joins by name, with all conditions in `where`; other joins stay as they are."""
    joins = one.args.get("joins") or []
    source = one.args.get("from_")
    if (
        not joins
        or source is None
        or any(join.side or join.kind not in {"", "INNER", "CROSS"} or join.args.get("using") for join in joins)
    ):
        return
    conditions = [join.args["on"] for join in joins if join.args.get("on")]
    tables = sorted((item.this.copy() for item in (source, *joins)), key=lambda item: item.sql())
    where = one.args.get("where")
    one.set("from_", exp.From(this=tables[0]))
    one.set("joins", [exp.Join(this=table, kind="CROSS") for table in tables[1:]])
    all_of = [*conditions, *([where.this] if where else [])]
    if all_of:
        one.set("where", exp.Where(this=exp.and_(*(item.copy() for item in all_of), wrap=False)))
        if isinstance(one.args["where"].this, exp.And):
            _sort_chain(one.args["where"].this)


def difference(a: exp.Expr, b: exp.Expr) -> str | None:
    """A sentence for a difference that the rows of some data show; null: none that rules can tell."""
    if type(a) is not type(b):
        return f"The answer is a {a.key}, the reference a {b.key}."
    tables = [
        {one.name for one in query.find_all(exp.Table)} - {one.alias for one in query.find_all(exp.CTE)}
        for query in (a, b)
    ]
    if tables[0] != tables[1]:
        return f"The answer reads {_names(tables[0])}, the reference {_names(tables[1])}."
    said, due = _width(a), _width(b)
    if said is not None and due is not None and said != due:
        return f"The answer has {counted(said, 'column')}, the reference {due}."
    if b.args.get("order") and not a.args.get("order"):
        return "The reference puts its rows in an order, the answer does not."
    return _leaves(a, b, columns=len(tables[0]) == 1)


def _width(query: exp.Expr) -> int | None:
    """How many columns come out; null: a star says not how many."""
    selects = query.selects if isinstance(query, exp.Query) else []
    return None if any(one.is_star for one in selects) else len(selects)


def _names(tables: set[str]) -> str:
    return ", ".join(sorted(tables)) or "no table"


def _leaves(a: exp.Expr, b: exp.Expr, *, columns: bool) -> str | None:
    """What differs between trees of one shape; null where the shapes differ, or more than leaves and comparisons do.

    Columns count in queries of one table only: in a join on `a.id = b.id` either column does.
    """
    left, right = list(a.walk()), list(b.walk())
    if len(left) != len(right):
        return None
    off = [(x, y) for x, y in zip(left, right, strict=True) if not _alike(x, y)]
    compared = [(x, y) for x, y in off if type(x) in _MIRRORED and type(y) in _MIRRORED]
    summed = [(x, y) for x, y in off if isinstance(x, exp.AggFunc) and isinstance(y, exp.AggFunc)]
    constants = [(x, y) for x, y in off if isinstance(x, exp.Literal) and isinstance(y, exp.Literal)]
    names = [(x, y) for x, y in off if columns and isinstance(x, exp.Identifier) and isinstance(y, exp.Identifier)]
    if len(compared) + len(summed) + len(constants) + len(names) < len(off) or (compared and constants):
        return None  # `a > 5` and `a >= 6` are equal of whole numbers
    pairs = ", ".join(f"{_shown(x)} in place of {_shown(y)}" for x, y in off[:3])
    return f"In the same shape, the answer has {pairs}."


def _alike(x: exp.Expr, y: exp.Expr) -> bool:
    """Whether two nodes are the same, whatever stands below them."""
    return type(x) is type(y) and _own(x) == _own(y)


def _own(one: exp.Expr) -> dict[str, object]:
    return {key: value for key, value in one.args.items() if value and not isinstance(value, exp.Expr | list)}


def _shown(one: exp.Expr) -> str:
    return one.key.upper() if type(one) in _MIRRORED else one.sql()
