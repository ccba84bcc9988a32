"""`assay agreement` and `assay calibrate`: how far labellers agree, and judges with them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from server.commands.common import AsJson, app, lines_of

Seed = Annotated[int, typer.Option(min=0, help="Of all that is drawn.")]
Cluster = Annotated[
    str | None,
    typer.Option(help="Column within which items depend on one another, such as session.", show_default=False),
]


@app.command("agreement")
def agreement(
    labels: Annotated[Path, typer.Argument(help="CSV, JSON lines or Parquet, a row a label; - for stdin.")],
    *,
    item: Annotated[str, typer.Option(help="Column of items.")] = "item",
    labeller: Annotated[str, typer.Option(help="Column of labellers.")] = "labeller",
    label: Annotated[str, typer.Option(help="Column of labels; an empty cell is no label.")] = "label",
    order: Annotated[
        str | None,
        typer.Option(help="Labels from least to most: low,mid,high [that of numbers].", show_default=False),
    ] = None,
    weights: Annotated[
        Literal["none", "linear", "quadratic"],
        typer.Option(help="How a near miss counts in percent agreement, Cohen, Fleiss and Gwet (then AC2)."),
    ] = "none",
    by: Annotated[str | None, typer.Option(help="Column of slices, such as topic or week.", show_default=False)] = None,
    pairs: Annotated[bool, typer.Option("--pairs", help="Also each pair of labellers.")] = False,
    gold: Annotated[
        str | None,
        typer.Option(
            help="Column of right labels, or the labeller whose labels are; tells accuracy.", show_default=False
        ),
    ] = None,
    cluster: Cluster = None,
    time: Annotated[
        str | None,
        typer.Option(help="Column of times: of a labeller's labels of an item the newest counts.", show_default=False),
    ] = None,
    consensus: Annotated[
        Path | None,
        typer.Option(help="Write a label for each item to this file, as JSON lines.", show_default=False),
    ] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Tell how far labellers agree.

    Percent agreement, Cohen's and Fleiss' kappa, Krippendorff's alpha (nominal, ordinal, interval) and Gwet's AC1, with
    intervals that draw items. Labels may be missing. A coefficient that is not defined is null, and says why.
    """
    from analytics.agreement import Options  # noqa: PLC0415
    from server import shell  # noqa: PLC0415
    from server.agreement import asking  # noqa: PLC0415
    from server.agreement import consensus as merging  # noqa: PLC0415
    from server.agreement import shell as telling  # noqa: PLC0415
    from server.compare import reading  # noqa: PLC0415

    asked = asking.Asked(
        item, labeller, label, order, by, gold, cluster, time, pairs, Options(weights=weights, seed=seed)
    )
    with lines_of(labels) as lines:
        told = asking.told(reading.read(lines), asked)
    rows = telling.json_rows(telling.found(told, asked), asked)
    if consensus is not None:
        rows += merging.written(told, asked, consensus)
    if as_json:
        for aside in told.asides:
            typer.echo(f"assay: {aside}", err=True)
        shell.json_lines(rows)
        return
    for row in rows:
        typer.echo(row["sentence"])
    for aside in told.asides:
        typer.echo(f"- {aside}")


@app.command("calibrate")
def calibrate(
    pairs: Annotated[Path, typer.Argument(help="CSV, JSON lines or Parquet, a row an answer; - for stdin.")],
    *,
    item: Annotated[str, typer.Option(help="Column of items, within which rows depend on one another.")] = "item",
    judge: Annotated[str, typer.Option(help="Column of the judge's scores, or yes and no.")] = "judge",
    human: Annotated[str, typer.Option(help="Column of people's labels, empty where there is none.")] = "human",
    positive: Annotated[
        str | None, typer.Option(help="Label that is a yes, of labels in words.", show_default=False)
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="Score from which the judge says yes [0.5, of scores from 0 to 1].", show_default=False),
    ] = None,
    human_threshold: Annotated[
        float | None, typer.Option(help="Score from which people say yes.", show_default=False)
    ] = None,
    cluster: Cluster = None,
    by: Annotated[str | None, typer.Option(help="Column of slices, each with a card.", show_default=False)] = None,
    strata: Annotated[
        str | None, typer.Option(help="Column within which labels are a random sample.", show_default=False)
    ] = None,
    variant: Annotated[
        str | None, typer.Option(help="Column of variants, whose differences are corrected.", show_default=False)
    ] = None,
    length: Annotated[
        str | None, typer.Option(help="Column of lengths that the judge may lean to.", show_default=False)
    ] = None,
    position: Annotated[
        str | None, typer.Option(help="Column of positions that the judge may lean to.", show_default=False)
    ] = None,
    width: Annotated[
        float | None,
        typer.Option(min=1e-9, help="Plan labels for an interval so wide, from end to end.", show_default=False),
    ] = None,
    lambda_: Annotated[
        float | None,
        typer.Option("--lambda", min=0, max=1, help="The judge's weight in PPI++ [the best].", show_default=False),
    ] = None,
    normal: Annotated[
        bool, typer.Option("--normal", help="Intervals by normal quantiles, as ppi_py's; too narrow of few labels.")
    ] = False,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Hold a judge against people.

    The calibration card: sensitivity, specificity, agreement and kappa, the reliability curve, the best threshold. Then
    the rate or mean as people would say it of all rows, from few labels and many scores (PPI++, Rogan-Gladen). The
    labelled rows must be a random sample of all, or of each stratum.
    """
    from server import shell  # noqa: PLC0415
    from server.calibration import asking  # noqa: PLC0415
    from server.calibration import shell as telling  # noqa: PLC0415
    from server.compare import reading  # noqa: PLC0415

    asked = asking.Asked(
        item, judge, human, positive, threshold, human_threshold, cluster, by, strata, variant, length, position, width,
        lambda_, normal, seed,
    )  # fmt: skip
    with lines_of(pairs) as lines:
        told = asking.told(reading.read(lines), asked)
    rows = telling.rows(told, asked)
    if as_json:
        for aside in told.asides:
            typer.echo(f"assay: {aside}", err=True)
        shell.json_lines(rows)
        return
    for sentence in telling.sentences(rows):
        typer.echo(sentence)
    for aside in told.asides:
        typer.echo(f"- {aside}")
