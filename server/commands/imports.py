"""The command that imports files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from server.commands.common import ApiUrl, AsJson, Author, DataDir, Project, app, opened


@app.command("import")
def import_files(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files, or the folder of an `assay export`.", show_default=False)
    ] = None,
    *,
    kind: Annotated[
        str, typer.Option("--format", help="auto, otlp, parquet, langfuse, phoenix, mlflow or calls.")
    ] = "auto",
    column: Annotated[
        list[str] | None,
        typer.Option("--map", help="Of plain calls: COLUMN=FIELD, as in prompt=input; - leaves a column to metadata."),
    ] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Show how a file would be read; store nothing.")] = False,
    from_project: Annotated[
        str | None, typer.Option(help="Of the folder of an export: whose rows.", show_default=False)
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Show the imports so far, and import nothing.")] = False,
    as_json: AsJson = False,
    author: Author = None,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Take in traces from files.

    OTLP in protobuf or JSON, as the Collector writes it; the folder of an `assay export`; exports of Langfuse, Phoenix
    and MLflow; plain model calls as JSON lines or CSV. Compressed by gzip or zstd, or not. One that breaks off goes on
    when it is run again, and nothing is stored twice.
    """
    from server import import_shell, shell  # noqa: PLC0415

    if listed:
        with opened(project, data_dir=data_dir, api_url=api_url) as client:
            import_shell.tell_listed(client.imports(), as_json=as_json)
        return
    if not files:
        raise typer.BadParameter("name one or more files, or --list")
    plans = import_shell.plans(files, kind, column or [], from_project)
    if preview:
        shown = import_shell.preview(plans)
        shell.json_lines(shown) if as_json else import_shell.tell_preview(shown)
        return
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = import_shell.run(client, plans, author)
        shell.json_lines(found) if as_json else import_shell.tell(found)
