"""Whether two queries ask for the same, by their normal forms. Nothing is executed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from evaluators.case import Case
from evaluators.protocol import Card
from evaluators.verdict import Scale, Verdict, failed, verdict

if TYPE_CHECKING:
    from sqlglot import exp

LARGEST = 1000  # nodes of a query; a long chain of `or` takes the square of its length, 2 s at this size
NO_QUERY, DIFFERENT, UNKNOWN, EQUIVALENT = "no_query", "different", "cannot_tell", "equivalent"
_FENCE = re.compile(
    r"^[ \t]*```[ \t]*(?P<kind>[\w-]*)[ \t]*\n(?P<text>.*?)\n?^[ \t]*```[ \t]*$", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class SqlEquivalence:
    """Whether the answer's query is the reference's, as far as rules can tell."""

    dialect: str = ""  # a name of sqlglot's, such as duckdb or postgres; "": its own, which reads most of all
    tables: Mapping[str, Mapping[str, str]] | None = None  # columns and types by table; with them, more can be told

    card: ClassVar[Card] = Card(
        "sql_equivalence",
        "1",
        "checks",
        "The answer's SQL asks for the rows that the reference's asks for; no value where rules cannot tell.",
        ("answer", "reference"),
        scale=Scale(labels=(NO_QUERY, DIFFERENT, UNKNOWN, EQUIVALENT)),
        limits=(
            "Equivalence of queries cannot be decided in general: what rules do not settle is `cannot_tell`.",
            "`different` rests on other tables, other numbers of columns, or other constants, columns and comparisons.",
            "On some data queries that are called different may still give the same rows. Nothing is executed.",
            "Names of output columns do not count, nor the order of inner joins, nor rows in an order not asked for.",
            "Without `tables`, an unqualified column is taken for one of the only table beside it.",
        ),
    )

    def __post_init__(self) -> None:
        """Raises ValueError for a dialect that sqlglot does not have."""
        if self.dialect:
            from sqlglot import Dialect  # noqa: PLC0415 - 0.1 s, for who asks for it

            Dialect.get_or_raise(self.dialect)

    def __call__(self, case: Case) -> Verdict:
        """1 and equivalent, 0 and different or `no_query`, or no value and `cannot_tell`."""
        try:
            return self._told(case)
        except RecursionError:
            return verdict(None, "A query is nested too deep to be told.", label=UNKNOWN)

    def _told(self, case: Case) -> Verdict:
        from sqlglot.errors import SqlglotError  # noqa: PLC0415 - as above

        try:
            due = self._parsed(case.reference or "")
        except (SqlglotError, ValueError) as error:
            return failed("reference", f"The reference is no query: {_first_line(error)}")
        try:
            said = self._parsed(case.answer or "")
        except (SqlglotError, ValueError) as error:
            return verdict(0.0, f"The answer is no query: {_first_line(error)}", label=NO_QUERY)
        return self._compared(said, due)

    def _parsed(self, text: str) -> exp.Expr:
        """One query, also within a fence of Markdown. Raises ValueError if it is none or more than one."""
        import sqlglot  # noqa: PLC0415 - as above

        statements = [one for one in sqlglot.parse(_unfenced(text), dialect=self.dialect or None) if one is not None]
        if len(statements) != 1:
            raise ValueError(f"there are {len(statements)} statements in place of one.")
        if _is_value(statements[0]):
            raise ValueError("it is an expression, or plain words.")
        return statements[0]

    def _compared(self, said: exp.Expr, due: exp.Expr) -> Verdict:
        from evaluators.checks import sqlforms  # noqa: PLC0415 - loads sqlglot

        if said == due:
            return verdict(1.0, "Both are the same but for their writing.", label=EQUIVALENT)
        if max(sum(1 for _ in query.walk()) for query in (said, due)) > LARGEST:
            return verdict(None, f"A query has more than {LARGEST} parts, too many to be told.", label=UNKNOWN)
        a, b = sqlforms.normal_forms(said, due, self.tables, self.dialect or None)
        if a == b:
            return verdict(1.0, "Both have the same normal form.", label=EQUIVALENT)
        details = {"answer": a.sql(), "reference": b.sql()}
        why = sqlforms.difference(a, b)
        if why:
            return verdict(0.0, why, label=DIFFERENT, details=details)
        reason = "The normal forms differ in shape; whether they give the same rows, rules cannot tell."
        return verdict(None, reason, label=UNKNOWN, details=details)


def _is_value(statement: exp.Expr) -> bool:
    """Whether it is no statement: sqlglot reads `sorry` as a column, and two words as one with an alias."""
    from sqlglot import exp  # noqa: PLC0415 - as above

    return isinstance(statement, exp.Condition | exp.Alias) and not isinstance(statement, exp.Query)


def _unfenced(text: str) -> str:
    """What stands in the only fence of SQL, or the only fence; without such, the whole text."""
    fences = list(_FENCE.finditer(text))
    marked = [one for one in fences if one["kind"].lower() == "sql"] or fences
    return marked[0]["text"] if len(marked) == 1 else text


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:300]
