"""What the parts of the client share: how they ask, what an answer is, how a parameter is written.

The parts, `client_*`, have a noun each; `server.client.Client` is made of them and asks over HTTP.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # pandas and pyarrow take a third of a second, which only who asks for frames pays
    import httpx
    import pandas as pd
    import pyarrow as pa

ARROW = "application/vnd.apache.arrow.stream"
WHOLE_STORE_S = 6 * 3600.0  # for what walks through all that is stored
Json = dict[str, Any]
Param = str | int | float | bool | datetime | date | None


@dataclass(frozen=True, slots=True)
class Answer:
    """One answered query.

    `frame` has Arrow-backed columns, so that an integer with gaps stays an integer and null stays null; times are UTC
    and say so. `watermark` names the state of the data it was read from, `commit_seq-resolved_seq`.
    """

    frame: pd.DataFrame
    watermark: str
    truncated: bool  # true: there are more rows than these


class ClientBase(ABC):
    """How a part of the client asks. Every call may raise `server.client.ApiError`, see its kinds."""

    @abstractmethod
    def _send(
        self,
        method: str,
        path: str,
        params: Mapping[str, Param] | None = None,
        *,
        body: object = None,
        content: bytes | Iterable[bytes] | None = None,
        accept: str = "application/json",
        timeout_s: float | None = None,
        accept_status: tuple[int, ...] = (200, 201),
    ) -> httpx.Response:
        """One request and its whole answer. Null parameters are left out; the project is added."""

    @abstractmethod
    def _stream(
        self, path: str, params: Mapping[str, Param], *, method: str = "GET", body: object = None
    ) -> AbstractContextManager[httpx.Response]:
        """One request whose answer is read as it comes."""

    def _frame(self, path: str, params: Mapping[str, Param]) -> Answer:
        return answer_of(self._send("GET", path, params, accept=ARROW))

    def _json(self, path: str, params: Mapping[str, Param] | None = None) -> Any:
        return self._send("GET", path, params).json()


def text(value: Param) -> str:
    """A parameter as it stands in a URL: ISO 8601 in UTC, `true`, `false`, decimal."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return aware.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else str(value)


def answer_of(response: httpx.Response) -> Answer:
    """The frame of an answer in Arrow."""
    import pandas as pd  # noqa: PLC0415 - see above
    import pyarrow as pa  # noqa: PLC0415

    table = pa.ipc.open_stream(response.content).read_all()
    return Answer(
        _in_utc(table).to_pandas(types_mapper=pd.ArrowDtype),
        response.headers.get("x-assay-watermark", ""),
        response.headers.get("x-assay-truncated") == "true",
    )


def _in_utc(table: pa.Table) -> pa.Table:
    import pyarrow as pa  # noqa: PLC0415

    for index, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and field.type.tz is None:
            aware = table.column(index).cast(pa.timestamp(field.type.unit, "UTC"))
            table = table.set_column(index, field.name, aware)
    return table
