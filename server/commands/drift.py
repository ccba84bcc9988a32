"""`assay drift` and `assay monitor`: what changed between two samples, and how often a policy would cry wolf."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

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

    Column by column: by how much, and how sure. Rates are tested by score tests, numbers by Kolmogorov-Smirnov,
    categories by chi-squared, embeddings by a classifier; with --cluster all by whole clusters. Rows without a value
    are in no distribution; their share is a signal of its own. Too few rows are `insufficient data`.
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


monitor_app = typer.Typer(no_args_is_help=True, help="Standing checks of a signal.")
app.add_typer(monitor_app, name="monitor")


@monitor_app.command("simulate")
def simulate(
    series: Annotated[
        Path, typer.Argument(help="CSV, JSON lines or Parquet of a reference without a change; - for stdin.")
    ],
    *,
    value: Annotated[str, typer.Option(help="Column of the signal.")] = "value",
    weight: Annotated[
        str | None, typer.Option(help="Column that says how much a row counts, such as calls.", show_default=False)
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(help="Column of times; without one a row is a bucket, in order.", show_default=False),
    ] = None,
    bucket: Annotated[str, typer.Option(help="Length of a bucket: 10m, 1h, 1d.")] = "1h",
    season: Annotated[
        Literal["none", "hour", "weekday"],
        typer.Option(help="What comes again: the hour of the day, or the hour of the weekday."),
    ] = "none",
    window: Annotated[str, typer.Option(help="Length of which the mean is tested.")] = "24h",
    every: Annotated[str | None, typer.Option(help="Between looks [the bucket].", show_default=False)] = None,
    alpha: Annotated[float, typer.Option(min=1e-9, max=0.5, help="Adjusted p below which a look counts.")] = 0.01,
    min_effect: Annotated[float, typer.Option(min=0, help="Least effect that counts, in the signal's unit.")] = 0.0,
    persist: Annotated[str, typer.Option(help="k/m: looks that must count, of the last m.")] = "2/3",
    monitors: Annotated[int, typer.Option(min=1, help="Monitors that are adjusted for one another.")] = 1,
    effect: Annotated[
        float | None,
        typer.Option(help="Lasting change whose delay is asked for [--min-effect].", show_default=False),
    ] = None,
    per_month: Annotated[
        float | None,
        typer.Option(min=0.001, help="Look for the alpha with so many false alarms a month.", show_default=False),
    ] = None,
    draws: Annotated[int, typer.Option(min=50, max=20_000, help="Months that are drawn.")] = 400,
    seed: Annotated[int, typer.Option(min=0, help="Of the draws.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Tell how often a policy would cry wolf.

    False alarms a month of 30 days, by drawing the series anew in blocks, with its memory and its season; and how late
    the policy finds a lasting change.
    """
    from server import shell  # noqa: PLC0415
    from server.compare import reading  # noqa: PLC0415
    from server.drift import simulating  # noqa: PLC0415

    asked = simulating.Asked(
        value, weight, time, bucket, season, window, every, alpha, min_effect, persist, monitors, effect, per_month,
        draws, seed,
    )  # fmt: skip
    with lines_of(series) as lines:
        found = simulating.simulated(reading.read(lines), asked)
    if as_json:
        shell.json_lines([simulating.json_row(found)])
        return
    for sentence in simulating.sentences(found):
        typer.echo(sentence)
