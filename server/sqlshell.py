"""The SQL prompt of the command line; the server guards it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from server import shell
from server.client import ApiError, Client

Form = Literal["table", "json", "csv"]
Times = tuple[datetime | None, datetime | None]
"""What :since and :until stand for in a question."""
WELCOME = "One SELECT, ended by a semicolon. `.tables` lists views and tables, `.quit` or Ctrl-D leaves."
TABLES = (
    "select if(table_schema = 'stable', '', 'main.') || table_name as table_name, count(*) as columns "
    "from information_schema.columns where table_schema in ('stable', 'main') "
    "group by table_schema, table_name order by table_schema = 'main', table_name"
)


def answer(client: Client, query: str, form: Form, times: Times = (None, None)) -> None:
    """Ask once and print the rows.

    Raises:
        ApiError: the statement is refused, or took too long.
    """
    found = client.sql_rows(query, *times)
    if form == "csv":
        shell.csv_rows(found.columns, (row.values() for row in found.rows))
    elif form == "json":
        shell.json_lines(found.rows)
    else:
        shell.table(found.rows, "No rows.")
    if found.truncated:
        sys.stderr.write(f"Only the first {len(found.rows)} rows; add a limit, or export.\n")


def prompt(client: Client, form: Form, times: Times = (None, None)) -> bool:
    """Ask until the end of input. An error is told and the prompt stays. False: a statement from a pipe failed."""
    interactive, failed = sys.stdin.isatty(), False
    if interactive:
        import readline  # noqa: F401, PLC0415 - gives input() a history

        sys.stderr.write(f"{WELCOME}\n")
    for statement in statements(interactive=interactive):
        if statement in (".quit", ".exit"):
            break
        try:
            answer(client, TABLES if statement == ".tables" else statement, form, times)
        except ApiError as error:
            sys.stderr.write(f"{error}\n")
            failed = True
    return interactive or not failed


def statements(*, interactive: bool) -> Iterator[str]:
    """Statements as they are completed by a semicolon or the end of input; a line that begins with a dot is one."""
    held: list[str] = []
    while True:
        try:
            line = input("  ... " if held and interactive else "assay> " if interactive else "")
        except (EOFError, KeyboardInterrupt):
            break
        held.append(line)
        if (not held[:-1] and line.startswith(".")) or line.rstrip().endswith(";"):
            yield "\n".join(held).strip()
            held = []
    if rest := "\n".join(held).strip():
        yield rest
