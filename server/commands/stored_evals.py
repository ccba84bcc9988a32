"""Commands over stored suites and runs: list them, and store a run of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from server.client_compare import Report
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


@evals.command()
def compare(
    runs: Annotated[list[str], typer.Argument(help="Ids of two to ten stored runs that ended, the baseline first.")],
    *,
    quality: Annotated[
        str | None, typer.Option(help="Key of the measure that counts most, such as NAME or NAME.passed.")
    ] = None,
    slice_: Annotated[
        str | None, typer.Option("--slice", help="Key of the items' metadata to compare within, or cluster.")
    ] = None,
    adjust: Annotated[
        Literal["bh", "holm"], typer.Option(help="For many comparisons: few among findings, or no false finding.")
    ] = "bh",
    html: Annotated[Path | None, typer.Option(help="Write the report as a page that stands alone.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the report as Markdown.")] = None,
    project: Project = "default",
    as_json: AsJson = False,
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Compare stored runs item by item: which is better, by how much, how sure, at what cost."""
    from server import shell  # noqa: PLC0415

    asked = {"quality": quality, "slice": slice_, "adjust": adjust}
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.compare_runs(runs, **asked)
        forms: dict[Report, Path | None] = {"html": html, "markdown": markdown}
        for form, path in forms.items():
            if path is not None:
                path.write_text(client.compare_report("runs", form, runs=",".join(runs), **asked), encoding="utf-8")
    if as_json:
        shell.json_lines([*found["pairs"], *found["sliced"]])
        return
    from server.compare.told import sentences_of  # noqa: PLC0415

    for sentence in sentences_of(found):
        typer.echo(sentence)
