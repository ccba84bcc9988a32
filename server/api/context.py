"""What routes work with, handed in through FastAPI's dependencies."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Protocol

from fastapi import Depends, Query, Request
from pydantic import Field

from server.api.problems import ProblemError
from server.aside import Aside, Desk, Inline
from server.core import Core
from server.decoders import ImportedRequest
from server.feedback.pace import Pace
from server.ingest import DEFAULT_PROJECT, InTransaction
from server.judges.keeping import Keeper
from server.labelling.kept import KeptAnswers
from server.notify.loop import Notifier
from server.playground import Playground
from server.prompt_cache import PromptCache
from server.running import Running
from server.trace.opened import Traces
from server.when import utc
from store.batch import Receipt
from store.queries import backwards

if TYPE_CHECKING:  # what monitors take is imported where they are asked for
    from server.monitors.loop import Monitoring
    from server.uploads import Uploads


class Intake(Protocol):
    """What the API shows and asks of ingest."""

    def status(self) -> dict[str, object]: ...

    def overloaded(self) -> bool: ...

    async def store(self, request: ImportedRequest, project_id: int, work: InTransaction) -> Receipt | None: ...


@dataclass(slots=True)
class Context:
    """One server, as its API sees it."""

    core: Core
    intake: Intake
    running: Running
    version: str
    aside: Aside | None = None  # null: long answers are worked out here, as for the command line
    checker: Aside | None = None  # the process of guardrail checks; null: they are worked out here
    monitoring: Monitoring | None = None  # null: monitors look where they are asked to
    notifier: Notifier | None = None  # null: nothing is delivered, as for the command line
    uploads: Uploads | None = None  # null: no files are uploaded, as for the command line
    prompts: PromptCache = field(default_factory=PromptCache)
    agreements: KeptAnswers = field(default_factory=KeptAnswers)
    judges: Keeper = field(default_factory=Keeper)
    playground: Playground = field(default_factory=Playground)
    pace: Pace = field(default_factory=Pace)  # of feedback
    traces: Traces = field(default_factory=Traces)
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def desk(self) -> Desk:
        """Where long answers are worked out."""
        return self.aside or Inline(self.core.readers)


def _context(request: Request) -> Context:
    found: Context = request.app.state.context
    return found


def in_utc(value: datetime | None) -> datetime | None:
    """A time as the store holds it: UTC without a zone. Raises ProblemError for one that UTC cannot tell."""
    if value is None:
        return None
    try:
        return utc(value)
    except OverflowError as error:
        detail = f"{value.isoformat()} is before the year 1 or after 9999 in UTC."
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail) from error


def window(since: datetime | None, until: datetime | None) -> tuple[datetime | None, datetime | None]:
    """Both ends as the store holds them; null is open. Raises ProblemError for a window that ends before it begins."""
    start, end = in_utc(since), in_utc(until)
    if start is not None and end is not None and end < start:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", backwards(start, end))
    return start, end


Here = Annotated[Context, Depends(_context)]
Project = Annotated[str, Query(description="Name of the project.")]
Since = Annotated[
    datetime | None, Query(description="Start of the window, inclusive; ISO 8601, UTC when it names no zone.")
]
Until = Annotated[datetime | None, Query(description="End of the window, exclusive.")]
Author = Annotated[str | None, Field(max_length=200, description="Who does this, for the audit trail.")]
DEFAULT = DEFAULT_PROJECT
