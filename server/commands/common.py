"""What commands share: the application, their options, the way to the store."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from server.client import Client
    from server.settings import Settings

app = typer.Typer(
    help="Assayline: traces of LLM applications in, nothing lost, checks and comparisons out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _time(text: str | None) -> datetime | None:
    from server.when import parse_time  # noqa: PLC0415

    try:
        return None if text is None else parse_time(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def by_whom(author: str | None) -> str | None:
    """The author that is told, else whoever runs the command; null where the system knows none."""
    try:
        return author or getpass.getuser()
    except (OSError, KeyError):
        return None


DataDir = Annotated[Path | None, typer.Option(help="Folder of the store [ASSAY_DATA_DIR].", show_default=False)]
Host = Annotated[str | None, typer.Option(help="Address to bind to [ASSAY_HOST].", show_default=False)]
OtlpHttpPort = Annotated[int | None, typer.Option(help="OTLP/HTTP [ASSAY_OTLP_HTTP_PORT].", show_default=False)]
OtlpGrpcPort = Annotated[int | None, typer.Option(help="OTLP/gRPC [ASSAY_OTLP_GRPC_PORT].", show_default=False)]
ApiPort = Annotated[int | None, typer.Option(help="HTTP API [ASSAY_API_PORT].", show_default=False)]
AppPort = Annotated[int | None, typer.Option(help="Streamlit app [ASSAY_APP_PORT].", show_default=False)]
ApiUrl = Annotated[str | None, typer.Option(help="Server to ask [ASSAY_API_URL].", show_default=False)]
Project = Annotated[str, typer.Option(help="Name of the project.")]
Since = Annotated[
    str | None, typer.Option(help="From this time on: 2026-11-24T09:00Z, 24h, 7d.", callback=_time, show_default=False)
]
Until = Annotated[str | None, typer.Option(help="Before this time.", callback=_time, show_default=False)]
Author = Annotated[str | None, typer.Option(help="Who does it [this user].", callback=by_whom, show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line, and nothing else.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Comma-separated values.")]


def load_settings(**flags: object) -> Settings:
    """Settings with flags over environment over file. Raises what `main` knows how to tell.

    A variable that is no setting is told and no error: it may be another program's.
    """
    from server.settings import Settings, unknown_variables  # noqa: PLC0415

    for sentence in unknown_variables(os.environ):
        typer.echo(f"assay: {sentence}", err=True)
    return Settings(**{name: value for name, value in flags.items() if value is not None})  # type: ignore[arg-type]  # checked by pydantic


@contextmanager
def opened(project: str = "default", **flags: object) -> Iterator[Client]:
    """The store's API, from the running server or over the file."""
    from server.door import door  # noqa: PLC0415

    with door(load_settings(**flags), project) as client:
        yield client


@contextmanager
def tracing(**flags: object) -> Iterator[Tracer]:
    """A tracer of judges into the running server. Raises NoServerError when none runs."""
    from server.door import NoServerError, address  # noqa: PLC0415
    from server.judge_traces import traced  # noqa: PLC0415

    settings = load_settings(**flags)
    url = address(settings)
    if url is None:
        raise NoServerError(settings.data_dir)
    with traced(url) as tracer:
        yield tracer


@contextmanager
def lines_of(file: Path) -> Iterator[IO[bytes]]:
    if str(file) == "-":
        # Its own reader, never closed: Python ends by closing the usual one, and aborts where a thread waits in it.
        yield os.fdopen(sys.stdin.fileno(), "rb", closefd=False)
        return
    try:
        opened_file = file.open("rb")
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}") from error
    with opened_file:
        yield opened_file


def as_time(value: Any) -> datetime | None:
    """The option's callback has made it a time already; typer only knows it as text."""
    return value if isinstance(value, datetime) else None


def window(since: Any, until: Any) -> dict[str, datetime]:
    """All of time, where it is not bounded."""
    from server.price_shell import EARLIEST, LATEST  # noqa: PLC0415

    return {"since": as_time(since) or EARLIEST, "until": as_time(until) or LATEST}
