"""The SQL prompt: any one question, and nothing but a question.

Plain names mean the views of the schema `stable` first, then the tables: `calls` is the view, `main.calls` the table.

Three fences stand behind one another: the statement's syntax tree admits one SELECT (or WITH, FROM, VALUES, TABLE,
DESCRIBE, SUMMARIZE, SHOW, EXPLAIN); the transaction is read-only; the database has no access to files, networks or
settings. A question sees every project, so the prompt is for whoever administers the store.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import duckdb
import psutil
import pyarrow as pa
import sqlglot
from duckdb import DuckDBPyConnection
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from store.database import CATALOG, is_broken
from store.errors import RefusedSqlError
from store.growth import check_growth, makes_rows, name_of
from store.plaintypes import plainly
from store.readers import Answer, ReaderPool, watermark
from store.sqltext import Place, Times, asked_times, place_of, place_told, with_times, without_place

MEMORY_BYTES = 1 << 30  # that the process may grow by under one question; DuckDB's own limit comes first for most
MEMORY_LOOK_S = 0.05
VIEWS = "stable"  # schema of the views
OPENERS = ("explain", "select", "with", "from", "values", "table", "describe", "desc", "summarize", "show", "(")
_NOTHING = (type(None), exp.Semicolon)
_QUESTIONS = (exp.Query, exp.Values, exp.Describe, exp.Summarize, exp.Show)
_DEEDS = (
    exp.DML, exp.DDL, exp.Into, exp.Command, exp.Copy, exp.Attach, exp.Detach, exp.Pragma, exp.Set, exp.Use,
    exp.Transaction, exp.Drop, exp.Alter, exp.Merge, exp.Install, exp.Analyze,
)  # fmt: skip
# Functions that make rows. The list names what may be used: new file readers come with every version of the database.
_ROW_FUNCTIONS = frozenset({
    "unnest", "range", "generate_series", "json_each", "json_tree", "duckdb_columns", "duckdb_tables",
    "duckdb_functions", "duckdb_types", "pragma_table_info", "pragma_version",
    "explode", "exploding_generate_series",  # what the parser calls unnest and generate_series
})  # fmt: skip
_REFUSED_FUNCTIONS = re.compile(
    r"read_\w+|\w+_scan|parquet_\w+|sniff_csv|glob|getenv|query|query_table|nextval|currval|which_secret|duckdb_secrets"
    r"|json_serialize_plan|current_setting|duckdb_settings|write_\w+|pragma_(?!table_info|version)\w+|checkpoint|force_checkpoint|sql_auto_complete"
)
_FILE = re.compile(r"[/\\:*?]|\.\w+$")
_EXPLAIN = re.compile(r"\s*explain(\s+analyze)?\b", re.IGNORECASE)
_COMMENT = re.compile(r"\s*(--[^\n]*(\n|$)|/\*.*?\*/)", re.DOTALL)


def run_sql(
    pool: ReaderPool,
    text: str,
    max_rows: int | None = None,
    timeout_s: float | None = None,
    memory_bytes: int = MEMORY_BYTES,
    *,
    times: Times | None = None,
    max_bytes: int | None = None,
) -> Answer:
    """Answer one question; an answer of more than `max_rows` or `max_bytes` is cut after a whole row and says so.

    One row is always told, however long it is. `times`: what `:since` and `:until` stand for in it.

    Raises:
        RefusedSqlError: it is not one read-only question, the database cannot answer it, or the process grew by more
            than `memory_bytes` over it; the text says why, and `at` where.
        QueryTimeoutError: the limit passed.
        StoreBusyError: as many questions run as may at once.
    """
    asked = with_times(text)
    question = check(asked)
    params = _params(question, times or Times())
    limit = pool.max_rows if max_rows is None else min(max_rows, pool.max_rows)
    with pool.question(timeout_s) as cursor:
        cursor.execute(f"use {CATALOG}.{VIEWS}")
        mark = watermark(cursor)
        fence = _MemoryFence(cursor, memory_bytes)
        try:
            _count(cursor, question)
            return _answer(cursor, question, params, mark, Most(limit, max_bytes))
        except duckdb.Error as error:
            if fence.rang:
                message = f"The statement needs more than {memory_bytes >> 20} MiB. Aggregate earlier, or add a filter."
                raise RefusedSqlError(message) from error
            if isinstance(error, duckdb.InterruptException) or is_broken(error):
                raise
            message = f"The database cannot answer: {without_place(str(error))}"
            refused = RefusedSqlError(message, _place(cursor, question, params, error))
            raise refused.moved(_begins(asked, question)) from error
        finally:
            fence.stop()


def _params(question: str, times: Times) -> dict[str, datetime]:
    """Values of the times that a question names. Raises RefusedSqlError for one that was not given."""
    params: dict[str, datetime] = {}
    for name in asked_times(question):
        value: datetime | None = getattr(times, name)
        if value is None:
            message = f":{name} stands for an end of the time range, and none was given. Give `since` and `until`."
            raise RefusedSqlError(message)
        params[name] = value
    return params


def _place(cursor: DuckDBPyConnection, question: str, params: dict[str, datetime], error: duckdb.Error) -> Place | None:
    """Where a question has its fault: a relation does not tell that, a plan does. Null: nobody knows."""
    if isinstance(error, duckdb.ParserException):
        return place_told(str(error), question)
    if _EXPLAIN.match(question):
        return None
    try:
        cursor.execute(f"explain\n{question}", params or None).fetchall()
    except duckdb.Error as again:
        return place_told(str(again), question, lines_before=1)
    return None


def _begins(text: str, question: str) -> int:
    """Where in a text its question begins: after comments, which may say the same."""
    return text.index(question, len(text) - len(_without_leading_comments(text)))


class _MemoryFence:
    """Interrupts a question under which the process grows too much.

    DuckDB's memory limit counts neither long texts nor lists within a chunk of rows: `repeat` took 8 GB under a limit
    of 1. What one function call makes of one value cannot be interrupted: `store.growth` bounds that beforehand.
    """

    def __init__(self, cursor: DuckDBPyConnection, room: int) -> None:
        """`room`: what the process may grow by, in bytes."""
        self.rang = False
        self._cursor = cursor
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._process = psutil.Process()
        self._limit = self._process.memory_info().rss + room
        threading.Thread(target=self._watch, name="sql-memory", daemon=True).start()

    def _watch(self) -> None:
        while not self._stopped.wait(MEMORY_LOOK_S):
            if self._process.memory_info().rss > self._limit:
                self._ring()

    def _ring(self) -> None:
        with self._lock:
            if not self._stopped.is_set():
                self.rang = True
                self._cursor.interrupt()

    def stop(self) -> None:
        with self._lock:
            self._stopped.set()


@dataclass(frozen=True, slots=True)
class Most:
    """What an answer is cut to."""

    rows: int
    nbytes: int | None = None  # of its columns in memory

    def of(self, table: pa.Table) -> int:
        """How many rows of a table stay."""
        low, high = 0, min(int(table.num_rows), self.rows)
        if self.nbytes is None or table.slice(0, high).nbytes <= self.nbytes:
            return high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if table.slice(0, middle).nbytes <= self.nbytes else (low, middle)
        return max(low, 1)


def _answer(cursor: DuckDBPyConnection, question: str, params: dict[str, datetime], mark: str, most: Most) -> Answer:
    relation = cursor.sql(question, params=params) if params else cursor.sql(question)
    if relation is None:
        raise RefusedSqlError("The statement gave no rows to show.")
    table = plainly(relation.limit(most.rows + 1)).to_arrow_table()
    rows = most.of(table)
    return Answer(table.slice(0, rows), mark, table.num_rows > rows)


def _count(cursor: DuckDBPyConnection, question: str) -> None:
    """What is one statement to our parser must be one to the database, which would run all of several."""
    _refuse_several(len(cursor.extract_statements(question)))


def _refuse_several(count: int) -> None:
    if count != 1:
        message = f"{count} statements were given; the prompt takes one at a time."
        raise RefusedSqlError(message)


def check(text: str) -> str:
    """The one statement in `text`, without its semicolon.

    Raises:
        RefusedSqlError: it is none, several, or one that is not a question.
    """
    statement = _without_end(_without_leading_comments(text))
    explained = _EXPLAIN.sub("", statement, count=1)
    _check_opener(statement, OPENERS)
    _check_opener(explained, OPENERS if explained == statement else OPENERS[1:])
    try:
        _inspect(_parsed(explained), explained)
    except RefusedSqlError as refused:
        raise refused.moved(_begins(text, statement) + len(statement) - len(explained)) from refused
    return statement


def _check_opener(statement: str, openers: tuple[str, ...]) -> None:
    first = re.match(r"\s*(\(|\w+)", statement)
    if not first:
        raise RefusedSqlError("There is no statement. Type one SELECT.")
    if first.group(1).lower() not in openers:
        message = f"{first.group(1).upper()} is refused: the prompt only asks. Use {', '.join(OPENERS[:-1]).upper()}."
        raise RefusedSqlError(message)


def _without_leading_comments(text: str) -> str:
    while comment := _COMMENT.match(text):
        text = text[comment.end() :]
    return text


def _without_end(text: str) -> str:
    """Cut at the last semicolon if nothing but comments follows it."""
    try:
        tokens = sqlglot.tokenize(text, dialect="duckdb")
    except SqlglotError as error:
        message = f"The statement cannot be read: {error}"
        raise RefusedSqlError(message) from error
    if any(token.token_type is TokenType.HEREDOC_STRING for token in tokens):
        # `$a-b$` opens a text to our parser, and to the database it is a parameter less the column `b$`.
        raise RefusedSqlError("Text between dollar signs is refused: put it between single quotes.")
    while tokens and tokens[-1].token_type is TokenType.SEMICOLON:
        text = text[: tokens.pop().start]
    return text.strip()


def _parsed(statement: str) -> exp.Expr:
    try:
        trees = [tree for tree in sqlglot.parse(statement, dialect="duckdb") if not isinstance(tree, _NOTHING)]
    except (SqlglotError, RecursionError) as error:
        raise _unreadable(error, statement) from error
    _refuse_several(len(trees))
    return trees[0]


def _unreadable(error: Exception, statement: str) -> RefusedSqlError:
    """What our parser says, without its classes; it counts the end of a word as its place."""
    for fault in getattr(error, "errors", ()):
        word, lines = str(fault["highlight"]), statement.split("\n")
        at = sum(len(line) + 1 for line in lines[: fault["line"] - 1]) + fault["col"] - len(word)
        told = str(fault["description"])
        why = "something is missing after it" if "missing" in told else told.lower()
        return RefusedSqlError(f"The statement cannot be read at {word!r}: {why}.", Place(max(0, at), len(word) or 1))
    return RefusedSqlError(f"The statement cannot be read: {error or 'it is too deep'}")


def _inspect(tree: exp.Expr, text: str) -> None:
    if not isinstance(tree, _QUESTIONS):
        message = f"{tree.key.upper()} is refused: the prompt only asks."
        raise RefusedSqlError(message)
    for node in tree.walk():
        if isinstance(node, _DEEDS) and not isinstance(node, _QUESTIONS):
            message = f"{node.key.upper()} is refused, inside a question too."
            raise RefusedSqlError(message)
        for name in _refused(node):
            message = (
                f"{name} is refused: the prompt reads the tables of the store, no files, settings or other sources."
            )
            raise RefusedSqlError(message, place_of(name.removesuffix("()"), text))
    check_growth(tree)


def _refused(node: exp.Expr) -> Iterator[str]:
    """Names of functions and files that a node asks for and may not have."""
    if isinstance(node, exp.Func):
        name = name_of(node)
        if _REFUSED_FUNCTIONS.fullmatch(name) or (makes_rows(node) and name not in _ROW_FUNCTIONS):
            yield f"{name}()"
    if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier) and _FILE.search(node.name):
        yield f"the file {node.name!r}"
    if isinstance(node, exp.Summarize) and isinstance(node.this, exp.Literal):
        yield f"the file {node.this.name!r}"
