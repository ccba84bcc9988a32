"""`assay rank`: which of several variants is best, by judgements of pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from server.commands.common import AsJson, app, lines_of


@app.command("rank")
def rank(
    file: Annotated[Path, typer.Argument(help="CSV, JSON lines or Parquet, a row a judgement; - for stdin.")],
    *,
    a: Annotated[str, typer.Option("--a", help="Column that names the first variant of the pair.")] = "a",
    b: Annotated[str, typer.Option("--b", help="Column that names the second.")] = "b",
    winner: Annotated[str, typer.Option(help="Column that says who won: a, b, tie, or the variant's name.")] = "winner",
    item: Annotated[
        str | None,
        typer.Option(help="Column that names what was answered, drawn as one [each row].", show_default=False),
    ] = None,
    level: Annotated[float, typer.Option(min=0.5, max=0.9999, help="Of intervals, and of all ranks together.")] = 0.95,
    draws: Annotated[int, typer.Option(min=200, max=100_000, help="Of the bootstrap.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Of all that is drawn.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Rank variants by pairwise judgements.

    Bradley-Terry strengths with bootstrap intervals, and the ranks that they allow. A strength is the log odds of
    winning against the mean of all; a tie is half a win of each. Rows without a winner are left out, and counted.
    """
    from server import rank_shell, shell  # noqa: PLC0415
    from server.compare import reading  # noqa: PLC0415

    with lines_of(file) as lines:
        told = rank_shell.judged(reading.read(lines), rank_shell.Columns(a, b, winner, item))
    found = rank_shell.ranked(told.judgements, level, draws, seed)
    asides = rank_shell.asides(told, found, with_items=item is not None)
    if as_json:
        for sentence in asides:
            typer.echo(f"assay: {sentence}", err=True)
        shell.json_lines(rank_shell.json_rows(found))
        return
    shell.table(rank_shell.table_rows(found), "")
    typer.echo()
    for sentence in asides:
        typer.echo(f"- {sentence}")
