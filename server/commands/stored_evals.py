"""Commands over stored suites and runs: list them, and store a run of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from server.commands.common import ApiUrl, AsJson, DataDir, Project, opened
from server.commands.evals import evals


@evals.command()
def push(
    folder: Annotated[Path, typer.Argument(help="Folder of a run that ended, such as eval-results/NAME.")],
    *,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Store the run of a folder, such as one of CI or one that the server did not take. Twice is as good as once."""
    from server.evals.storing import push as pushed  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        run_id = pushed(client, folder)
    typer.echo(f"Stored as run {run_id} of project {project}.")


@evals.command()
def runs(
    *,
    suite: Annotated[str | None, typer.Option(help="Only runs of this suite.", show_default=False)] = None,
    outcome: Annotated[
        str | None,
        typer.Option(help="passed or failed; or a state such as running, cut_off, cancelled.", show_default=False),
    ] = None,
    most: Annotated[int, typer.Option(min=1, max=1000, help="So many, the newest.")] = 50,
    project: Project = "default",
    as_json: AsJson = False,
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """List stored runs, the newest first."""
    from server.evals.listing import run_row  # noqa: PLC0415
    from server.shell import json_lines, table  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.runs(suite=suite, outcome=outcome, most=most)
    if as_json:
        json_lines(found)
        return
    table(
        [run_row(one) for one in found], "No run is stored. `assay eval run SUITE` tells the running server of its run."
    )


@evals.command()
def suites(
    *, project: Project = "default", as_json: AsJson = False, data_dir: DataDir = None, api_url: ApiUrl = None
) -> None:
    """List the suites that the app knows: files of the suites' folder, and those that are edited in the app."""
    from server.evals.listing import suite_row  # noqa: PLC0415
    from server.shell import json_lines, table  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        told = client.suites()
    if as_json:
        json_lines(told["suites"])
        return
    table(
        [suite_row(one) for one in told["suites"]],
        f"No suite stands in {told['folder']}, and none was made in the app.",
    )
