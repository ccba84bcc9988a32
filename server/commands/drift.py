"""`assay drift` and `assay monitor`: what changed between two samples, and how often a policy would cry wolf."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from server.commands.common import AsJson, app, lines_of

Names = list[str] | None


@app.command("drift")
def drift(
    reference: Annotated[Path, typer.Argument(help="CSV, JSON lines or Parquet, a row an observation; - for stdin.")],
    current: Annotated[Path, typer.Argument(help="The same columns, of what is compared with it; - for stdin.")],
    *,
    columns: Annotated[
        Names, typer.Option(help="Column to test, or several: A,B; repeat [all].", show_default=False)
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(help="Column within which rows depend on one another, such as session.", show_default=False),
    ] = None,
    type_: Annotated[
        Names,
        typer.Option(
            "--type",
            help="COL=rate, numeric, categorical or embedding, where not as guessed; repeat.",
            show_default=False,
        ),
    ] = None,
    min_effect: Annotated[
        Names,
        typer.Option(
            help="Least effect that is drift: 0.02 or COL=0.02 [rate 0.01, numeric 0.1 sd, categorical 0.05 of "
            "Jensen-Shannon, embedding 0.05 of AUC].",
            show_default=False,
        ),
    ] = None,
    alpha: Annotated[float, typer.Option(min=0.0001, max=0.5, help="Adjusted p below which it is drift.")] = 0.05,
    least: Annotated[
        int | None,
        typer.Option(
            min=5, help="Rows with a value on each side, below which data are insufficient [30].", show_default=False
        ),
    ] = None,
    failed: Annotated[
        str | None,
        typer.Option(help="Column that is true of failed rows; they are in no figure [failed].", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of all that is drawn.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Tell what changed between two samples.

    Column by column: by how much, and how sure. Rates are tested by score tests, numbers by Kolmogorov-Smirnov, categories by chi-squared, embeddings by a
    classifier; with --cluster all by whole clusters. Rows without a value are in no distribution; their share is a
    signal of its own. Too few rows are `insufficient data`.
    """
    from analytics.drifted import Options  # noqa: PLC0415
    from server import shell  # noqa: PLC0415
    from server.compare import reading  # noqa: PLC0415
    from server.drift import asking  # noqa: PLC0415
    from server.drift import shell as drifting  # noqa: PLC0415

    if str(reference) == str(current) == "-":
        raise typer.BadParameter("standard input is one file: name the other one")
    asked = asking.Asked(
        columns or (), cluster, failed, type_ or (), min_effect or (), Options(alpha, least_rows=least, seed=seed)
    )
    with lines_of(reference) as first, lines_of(current) as second:
        found, asides = drifting.drifted(reading.read(first), reading.read(second), asked)
    if as_json:
        for sentence in asides:
            typer.echo(f"assay: {sentence}", err=True)
        shell.json_lines(drifting.json_rows(found, asked.options.level))
        return
    for one in found:
        for sentence in drifting.sentences(one, asked.options.level):
            typer.echo(sentence)
    typer.echo()
    for sentence in asides:
        typer.echo(f"- {sentence}")
