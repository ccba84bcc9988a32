"""Commands over what is stored: totals, ledger, export, SQL, projects."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from server.commands.common import ApiUrl, AsCsv, AsJson, DataDir, Project, Since, Until, app, as_time, opened
from server.exit_codes import USER_ERROR


@app.command()
def totals(
    *,
    since: Since = None,
    until: Until = None,
    trace_id: Annotated[str | None, typer.Option(help="Only this trace; 32 hex digits.", show_default=False)] = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Calls, tool executions, tokens and cost of each trace.

    What a provider's bill is reconciled with.
    """
    from server import shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        rows = client.totals_lines(as_time(since), as_time(until), trace_id, _say_unsettled)
        shell.json_lines(rows) if as_json else shell.table(list(rows), "No traces in this window.")


def _say_unsettled(why: str) -> None:
    typer.echo(f"assay: these totals are not whole. {why}", err=True)


@app.command()
def ledger(
    *,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """What came in and what became of it, per hour and source.

    received = stored + duplicate + rejected. Hours are told whole: those that --since and --until lie in too.
    """
    from server import shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        rows = client.ledger(as_time(since), as_time(until))
    empty = "Nothing was received in these hours." if since or until else "Nothing was received yet."
    shell.json_lines(rows) if as_json else shell.table(rows, empty)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="New, empty, or of an earlier export, whose files are replaced.")],
    *,
    since: Since = None,
    until: Until = None,
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Write every table as Parquet, as of one moment.

    Of all projects; ingest goes on meanwhile.
    """
    with opened(data_dir=data_dir, api_url=api_url) as client:
        manifest = client.export(str(folder.resolve()), as_time(since), as_time(until))
    rows = sum(table["rows"] for table in manifest["tables"].values())
    typer.echo(f"{rows} rows of {len(manifest['tables'])} tables are in {folder}")


@app.command()
def sql(
    query: Annotated[str | None, typer.Argument(help="One SELECT; none: a prompt.", show_default=False)] = None,
    *,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Ask in SQL, read-only: no files, no writes, a time limit. Without QUERY a prompt opens.

    --since and --until are what :since and :until stand for in it.
    """
    from server import sqlshell  # noqa: PLC0415

    form: sqlshell.Form = "json" if as_json else "csv" if as_csv else "table"
    times = as_time(since), as_time(until)
    with opened(data_dir=data_dir, api_url=api_url) as client:
        if query is not None:
            sqlshell.answer(client, query, form, times)
        elif not sqlshell.prompt(client, form, times):
            raise typer.Exit(USER_ERROR)


@app.command()
def renormalise(*, as_json: AsJson = False, data_dir: DataDir = None, api_url: ApiUrl = None) -> None:
    """Derive the columns of stored spans anew.

    From their attributes, after an update that understands more.
    """
    from server import shell  # noqa: PLC0415

    with opened(data_dir=data_dir, api_url=api_url) as client:
        report = client.renormalise()
    sentence = f"{report['changed']} of {report['spans']} spans changed; traces and totals are derived anew."
    shell.json_lines([report]) if as_json else typer.echo(sentence)


@app.command()
def projects(
    *,
    add: Annotated[str | None, typer.Option(help="Make a project of this name.", show_default=False)] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """List the projects, or make one. Senders name theirs in the header x-assayline-project."""
    from server import shell  # noqa: PLC0415

    with opened(data_dir=data_dir, api_url=api_url) as client:
        rows = [client.add_project(add)] if add is not None else client.projects()
    shell.json_lines(rows) if as_json else shell.table(rows, "No projects.")
