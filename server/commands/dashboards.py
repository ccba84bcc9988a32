"""Commands over dashboards: list them, take them out as a file, set those of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from server.commands.common import ApiUrl, AsJson, Author, DataDir, Project, app, opened

dashboards = typer.Typer(
    short_help="Dashboards of charts from SQL.",
    help="Dashboards of charts from SQL: list them, take them out as YAML, set those of a file.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(dashboards, name="dashboards")


@dashboards.command("list")
def listed(
    *, as_json: AsJson = False, project: Project = "default", data_dir: DataDir = None, api_url: ApiUrl = None
) -> None:
    """The project's dashboards by name."""
    from server import dashboard_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.dashboards()
    none = "There is no dashboard. Pin a chart in Operate > SQL, or `assay dashboards import FILE`."
    shell.json_lines(found) if as_json else shell.table([dashboard_shell.row(one) for one in found], none)


@dashboards.command("export")
def export(
    names: Annotated[list[str] | None, typer.Argument(help="Of dashboards; none: all.", show_default=False)] = None,
    *,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Print dashboards as YAML, which `import` takes."""
    from server import dashboard_shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        typer.echo(dashboard_shell.document(client, names or []), nl=False)


@dashboards.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="YAML, `dashboards: [...]`; - for standard input.")],
    *,
    author: Author = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Set the dashboards of a file, by name; others stay."""
    from server import dashboard_shell, shell  # noqa: PLC0415

    told = dashboard_shell.read_dashboards(file)  # before any server is asked
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        made = dashboard_shell.set_dashboards(client, told, author)
    if as_json:
        shell.json_lines(made)
        return
    for one in made:
        typer.echo(f"Dashboard {one['name']} is at version {one['version']} with {len(one['charts'])} charts.")
