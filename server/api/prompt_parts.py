"""What the routes of prompts share: how they read, write, move labels and tell what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Protocol, TypeVar

import orjson
from duckdb import DuckDBPyConnection
from fastapi import Path, Request
from pydantic import Field

from server import prompts
from server.api.context import Context
from server.api.problems import ProblemError
from server.api.rights import Needs
from server.prompts import PromptError, UnknownPromptError
from server.runs import WRITE_S
from store import prompt_versions as store

T = TypeVar("T")
CHECK_S = 60.0
SMALL = 20_000  # letters that are worked on here; more in a process of its own

Name = Annotated[str, Path(max_length=300, description="Letters, digits, - _ . and / between parts.")]
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]
Confirm = Annotated[
    str | None, Field(max_length=100, description="The label, once more: needed where it is protected.")
]


class Change(Protocol):
    """What a body tells of whoever changes something."""

    @property
    def confirm(self) -> str | None: ...

    @property
    def author(self) -> str | None: ...


def letters_of(told: object) -> int:
    return len(orjson.dumps(told, default=str, option=orjson.OPT_NON_STR_KEYS))


def aside(here: Context, letters: int, work: Callable[..., Any], *arguments: Any) -> Any:
    """Worked out here where it is little; else in a process of its own: it may be seconds of Python."""
    if here.aside is None or letters <= SMALL:
        return work(*arguments)
    return orjson.loads(here.aside.compute(CHECK_S, work, *arguments))


def write(here: Context, project_id: int, name: str, work: Callable[[DuckDBPyConnection], T]) -> T:
    try:
        return here.core.writer.call(work).result(WRITE_S)
    finally:
        here.prompts.forget(project_id, name)


def known(here: Context, project: str, name: str) -> store.State:
    """Raises ProblemError where there never was such a prompt, or it is deleted."""
    project_id = here.core.projects.id_of(project)
    with here.core.readers.read() as cursor:
        found = store.state(cursor, project_id, name)
    with told():
        if found is None:
            with here.core.readers.read() as cursor:
                raise prompts.unknown(cursor, project_id, project, name)
        if found.away:
            raise UnknownPromptError(f"The prompt {name!r} was deleted. Set it anew; its versions are still there.")
    return found


def fetched(here: Context, project: str, name: str, label: str, version: int | None) -> dict[str, Any]:
    with told(), here.core.readers.read() as cursor:
        found = prompts.resolved(cursor, here.core.projects.id_of(project), project, name, label, version)
    return prompts.version_row(found, None if version is not None else label)


class told:  # noqa: N801 - used as a function
    """Tells errors of prompts as the API does."""

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, UnknownPromptError):
            raise ProblemError(HTTPStatus.NOT_FOUND, "unknown_prompt", str(error)) from error
        if isinstance(error, PromptError):
            raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_prompt", str(error)) from error


def move_label(  # noqa: PLR0917 - of one change
    request: Request,
    cursor: DuckDBPyConnection,
    project_id: int,
    name: str,
    label: str,
    version: int | None,
    body: Change,
    protected: bool | None = None,
) -> None:
    """Move a label, or remove it. Raises ProblemError: it is protected, and this was not confirmed or may not be."""
    held = store.labels(cursor, project_id, name).get(label)
    if held is not None and (held.version != version or protected is False):
        guard(request, name, held, body.confirm)
    if protected is None and version is None:
        protected = False
    reason = getattr(body, "reason", "")
    store.move_label(cursor, project_id, name, label, version, protected=protected, author=body.author, reason=reason)


def guard(request: Request, name: str, held: store.Move, confirm: str | None) -> None:
    """Raises ProblemError: the label is protected, and its change was not confirmed or may not be."""
    if not held.protected:
        return
    Needs("admin")(request)
    if confirm != held.label:
        detail = (
            f"The label {held.label!r} of {name!r} is protected and names version {held.version}. To change it name it "
            f"once more: `--confirm {held.label}` in the shell, `confirm` in the API."
        )
        raise ProblemError(HTTPStatus.CONFLICT, "protected", detail)
