"""The small tables that people change: projects. Reads take any cursor; writes go through `Writer.call`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from duckdb import DuckDBPyConnection

from store.errors import StoreError, UnknownProjectNameError

_NAME = re.compile(r"[\w.-]{1,100}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Project:
    """The unit of access."""

    project_id: int
    name: str


def list_projects(cursor: DuckDBPyConnection) -> list[Project]:
    """All projects, oldest first."""
    rows = cursor.execute("select project_id, name from projects order by project_id").fetchall()
    return [Project(*row) for row in rows]


def project_id(cursor: DuckDBPyConnection, name: str) -> int:
    """The id of the project of this name.

    Raises:
        UnknownProjectNameError: there is none.
    """
    known = {project.name: project.project_id for project in list_projects(cursor)}
    if name in known:
        return known[name]
    close = get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    message = f"No project is named {name!r}.{hint} Create it first, or send no project name."
    raise UnknownProjectNameError(message)


def create_project(cursor: DuckDBPyConnection, name: str) -> Project:
    """Add a project, or return the one that has the name. Run it through `Writer.call`.

    Raises:
        StoreError: the name is not 1 to 100 of: letters, digits, dot, dash, underscore.
    """
    if not _NAME.fullmatch(name):
        message = f"{name!r} cannot name a project. Use 1 to 100 letters, digits, dots, dashes or underscores."
        raise StoreError(message)
    cursor.execute(
        "insert into projects select max(project_id) + 1, $name, now() at time zone 'utc' from projects "
        "having $name not in (select name from projects)",
        {"name": name},
    )
    return Project(project_id(cursor, name), name)
