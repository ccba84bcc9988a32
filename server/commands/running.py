"""Commands that run the parts, and say how they do."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from server.commands.common import (
    ApiPort,
    ApiUrl,
    AppPort,
    AsJson,
    DataDir,
    Host,
    OtlpGrpcPort,
    OtlpHttpPort,
    app,
    load_settings,
    opened,
)


@app.command()
def serve(
    *,
    data_dir: DataDir = None,
    host: Host = None,
    otlp_http_port: OtlpHttpPort = None,
    otlp_grpc_port: OtlpGrpcPort = None,
    api_port: ApiPort = None,
) -> None:
    """Run the server alone: OTLP receivers and the API. Ctrl-C finishes what is in flight; twice stops at once."""
    settings = load_settings(
        data_dir=data_dir, host=host, otlp_http_port=otlp_http_port, otlp_grpc_port=otlp_grpc_port, api_port=api_port
    )
    from server.process import serve as run  # noqa: PLC0415
    from server.shell import addresses  # noqa: PLC0415

    run(settings, lambda note: typer.echo("\n".join(addresses(note))))
    # All is closed and on disk. The interpreter's own end would only take time, and complain of DuckDB's types.
    sys.stdout.flush()
    os._exit(0)


@app.command()
def up(
    *,
    data_dir: DataDir = None,
    host: Host = None,
    otlp_http_port: OtlpHttpPort = None,
    otlp_grpc_port: OtlpGrpcPort = None,
    api_port: ApiPort = None,
    app_port: AppPort = None,
    demo: Annotated[
        bool, typer.Option(help="Load the sample data once the server answers, then run the sample suites.")
    ] = False,
) -> None:
    """Run server and app, restart what dies, stop all on Ctrl-C."""
    settings = load_settings(
        data_dir=data_dir,
        host=host,
        otlp_http_port=otlp_http_port,
        otlp_grpc_port=otlp_grpc_port,
        api_port=api_port,
        app_port=app_port,
    )
    from server.supervisor import Supervisor  # noqa: PLC0415

    raise typer.Exit(Supervisor(settings, demo=demo).run())


@app.command()
def worker(*, data_dir: DataDir = None, api_url: ApiUrl = None) -> None:
    """Run a worker alone, which scores what jobs ask for.

    `assay up` runs one; more may join it.
    """
    from server.worker import work  # noqa: PLC0415

    work(load_settings(data_dir=data_dir, api_url=api_url))


@app.command()
def status(*, as_json: AsJson = False, data_dir: DataDir = None, api_url: ApiUrl = None) -> None:
    """What the server is doing, and how far the data has come.

    Counters, queue, disk. Without a server: what the file says.
    """
    from server import shell  # noqa: PLC0415

    with opened(data_dir=data_dir, api_url=api_url) as client:
        found = client.status()
    if as_json:
        shell.json_lines([found])
        return
    if not found["running"]:
        typer.echo(f"No server runs on {found['data_dir']}; this is what the file says.")
    shell.facts(found)


@app.command()
def settings(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Every setting, its meaning, and where its value came from."""
    from server import shell  # noqa: PLC0415

    rows = shell.settings_rows(load_settings(data_dir=data_dir), {"data_dir"} if data_dir else set())
    shell.json_lines(rows) if as_json else shell.table(rows, "")


@app.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as version_of  # noqa: PLC0415

    typer.echo(version_of("assayline"))
