"""`assay compare` and `assay plan`: which variant is better, by how much, how sure; and how many items tell it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from server.commands.common import AsJson, app, lines_of

Names = list[str] | None
File = Annotated[
    Path, typer.Argument(help="CSV, JSON lines or Parquet, a row per variant, item and repeat; - for stdin.")
]
Variant = Annotated[str, typer.Option(help="Column that names the variant.")]
Item = Annotated[
    str | None,
    typer.Option(help="Column that names the item; its rows are repeats [item, else rows].", show_default=False),
]
Cluster = Annotated[
    str | None,
    typer.Option(help="Column within which items depend on one another, such as session or topic.", show_default=False),
]
Pairing = Annotated[
    bool | None,
    typer.Option("--paired/--unpaired", help="Item by item, or not [as items are shared].", show_default=False),
]
Level = Annotated[float, typer.Option(min=0.5, max=0.9999, help="Of intervals; 1 less it is the error of verdicts.")]


@app.command("compare")
def compare(
    file: File,
    *,
    variant: Variant = "variant",
    item: Item = None,
    metric: Annotated[
        Names, typer.Option(help="Column to compare, or several: A,B; repeat.", show_default=False)
    ] = None,
    cluster: Cluster = None,
    paired: Pairing = None,
    baseline: Annotated[
        str | None,
        typer.Option(help="Compare all others with this variant; it is `a` [every two].", show_default=False),
    ] = None,
    lower_is_better: Annotated[
        Names, typer.Option(help="Column of which less is better; repeat.", show_default=False)
    ] = None,
    higher_is_better: Annotated[
        Names, typer.Option(help="Column of which more is better; repeat.", show_default=False)
    ] = None,
    ordinal: Annotated[
        Names,
        typer.Option(help="Column whose order alone means something, such as grades; repeat.", show_default=False),
    ] = None,
    quantile: Annotated[
        Names, typer.Option(help="Compare this quantile and not the mean: 0.95, or COL=0.95.", show_default=False)
    ] = None,
    ratio: Annotated[
        Names, typer.Option(help="Compare a ratio of sums, such as cost/success; repeat.", show_default=False)
    ] = None,
    margin: Annotated[
        Names,
        typer.Option(
            help="Difference that does not matter, 0.02, COL=0.02 or 'COL p95=9': is b not worse by more?",
            show_default=False,
        ),
    ] = None,
    equivalence: Annotated[bool, typer.Option("--equivalence", help="Is b within the margin on both sides?")] = False,
    slice_: Annotated[
        str | None, typer.Option("--slice", help="Column of slices to compare within, too.", show_default=False)
    ] = None,
    failed: Annotated[
        str | None,
        typer.Option(help="Column that is true of failed rows; they are in no figure [failed].", show_default=False),
    ] = None,
    test: Annotated[
        Literal["auto", "t", "permutation", "bootstrap"],
        typer.Option(help="Of means and shares; auto takes what fits."),
    ] = "auto",
    adjust: Annotated[
        Literal["holm", "bh"], typer.Option(help="For many comparisons: no false finding, or few among findings.")
    ] = "holm",
    level: Level = 0.95,
    draws: Annotated[int, typer.Option(min=200, max=100_000, help="Of the bootstrap.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap's draws.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Compare prompts, models or other variants by their results.

    Repeats of an item are averaged first. Without --paired or --unpaired, variants that share most items are compared
    item by item. p-values are adjusted over all comparisons. For a quantile or a ratio, mean_a and mean_b are that.
    A cell that is empty or says error, failed or timeout has no value in its column.
    """
    from analytics.compared import Options  # noqa: PLC0415
    from server import shell  # noqa: PLC0415
    from server.compare import asking, reading  # noqa: PLC0415
    from server.compare import shell as comparing  # noqa: PLC0415

    if equivalence and not margin:
        raise typer.BadParameter("equivalence is of a margin: say --margin, the difference that does not matter")
    options = Options(paired, baseline, equivalence, test, adjust, level, draws, seed)
    asked = asking.Asked(
        metric or (), variant, item, cluster, failed, slice_, lower_is_better or (), higher_is_better or (),
        ordinal or (), quantile or (), ratio or (), margin or (), options,
    )  # fmt: skip
    with lines_of(file) as lines:
        found = comparing.compared(reading.read(lines), asked)
    asides = comparing.asides(found, asked=paired is not None)
    if as_json:
        for sentence in asides:
            typer.echo(f"assay: {sentence}", err=True)
        shell.json_lines(comparing.json_rows(found, level))
        return
    for sentence in comparing.told(found, level=level):
        typer.echo(sentence)
    typer.echo()
    shell.table(comparing.table_rows(found.compared), "")
    typer.echo()
    for sentence in asides:
        typer.echo(f"- {sentence}")


@app.command("plan")
def plan(
    *,
    delta: Annotated[
        float | None, typer.Option(help="Difference to find, in the metric's unit: 0.03.", show_default=False)
    ] = None,
    sd: Annotated[
        float | None,
        typer.Option(
            min=0, help="Standard deviation: of an item's difference; --unpaired: of values.", show_default=False
        ),
    ] = None,
    effect: Annotated[
        float | None,
        typer.Option(help="Standardised difference (Cohen's d), for --delta and --sd.", show_default=False),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Share of the first variant: 0.8; with --unpaired.", show_default=False),
    ] = None,
    discordant: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Of pairs: share that only one variant gets right.", show_default=False),
    ] = None,
    omega2: Annotated[
        float | None,
        typer.Option(min=0, help="Variance of true differences from item to item (Miller 2024).", show_default=False),
    ] = None,
    sigma2: Annotated[
        float | None,
        typer.Option(
            min=0, help="Variance of one answer about its item's mean; with --omega2 [0].", show_default=False
        ),
    ] = None,
    repeats: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Answers an item, with --omega2 or --pilot; repeat.", show_default=False),
    ] = None,
    cluster_size: Annotated[
        float | None, typer.Option(min=1, help="Items in a cluster, on average; with --icc.", show_default=False)
    ] = None,
    icc: Annotated[
        float | None, typer.Option(min=0, max=1, help="Correlation within clusters.", show_default=False)
    ] = None,
    items: Annotated[
        float | None, typer.Option(min=2, help="Ask what so many items find, in place of --delta.", show_default=False)
    ] = None,
    paired: Annotated[
        bool | None,
        typer.Option(
            "--paired/--unpaired", help="Item by item [paired; of a pilot as items are shared].", show_default=False
        ),
    ] = None,
    sequential: Annotated[
        bool,
        typer.Option("--sequential", help="Looked at as often as one likes, as an A/B test is; with --unpaired."),
    ] = False,
    pilot: Annotated[
        Path | None,
        typer.Option(help="File as of `compare`, whose variance is taken; - for stdin.", show_default=False),
    ] = None,
    variant: Annotated[
        str | None, typer.Option(help="Column of the pilot's variants [variant].", show_default=False)
    ] = None,
    item: Item = None,
    metric: Annotated[Names, typer.Option(help="Column of the pilot; repeat.", show_default=False)] = None,
    cluster: Cluster = None,
    power: Annotated[float, typer.Option(min=0.01, max=0.9999, help="Chance to find the difference.")] = 0.8,
    level: Level = 0.95,
    as_json: AsJson = False,
) -> None:
    """How many items a comparison needs, or can find with.

    From --delta with --sd (t test), --discordant (pairs of shares), --rate --unpaired (shares), --omega2 and --sigma2
    (items and repeats), or a --pilot.
    """
    from server import shell  # noqa: PLC0415
    from server.compare import plan_shell  # noqa: PLC0415

    asked = plan_shell.Asked(
        delta, sd, effect, rate, discordant, omega2, sigma2, tuple(repeats or ()), cluster_size, icc, items, paired,
        level, power, sequential,
    )  # fmt: skip
    if pilot is None:
        named = {"--variant": variant, "--item": item, "--metric": metric, "--cluster": cluster}
        for name in (name for name, value in named.items() if value):
            raise typer.BadParameter(f"{name} goes with --pilot, and is not used without one: leave it out.")
        found = plan_shell.planned(asked)
    else:
        from server.compare import asking, reading  # noqa: PLC0415

        plan_shell.check_pilot(asked)
        with lines_of(pilot) as lines:
            told = asking.Asked(metric or (), variant or "variant", item, cluster)
            found = plan_shell.piloted(reading.read(lines), told, asked)
    if as_json:
        shell.json_lines(found)
        return
    for row in found:
        typer.echo(plan_shell.sentence(row))
