"""Commands over evaluators: which there are, and what they say of rows."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from server.commands.common import ApiUrl, AsJson, DataDir, app, lines_of, tracing
from server.exit_codes import FAILURE

Chosen = Annotated[
    list[str],
    typer.Option("--evaluator", "-e", help="An evaluator; several between commas, or more than once."),
]
Options = Annotated[
    list[str] | None,
    typer.Option(
        "--option", "-o", help="NAME.OPTION=VALUE of an evaluator; VALUE as JSON or text.", show_default=False
    ),
]
Judges = Annotated[
    Path | None, typer.Option(help="YAML file of judges: models and how they are asked.", show_default=False)
]
Own = Annotated[
    Path | None, typer.Option(help="YAML file of your own evaluators, beside those installed.", show_default=False)
]


@app.command()
def evaluators(
    name: Annotated[str | None, typer.Argument(help="Tell all of one.", show_default=False)] = None,
    *,
    evaluators: Own = None,
    as_json: AsJson = False,
) -> None:
    """List the evaluators: what each measures, needs and costs.

    With a name: also how good it is, its options, its scale and its limits.
    """
    from server import judging, score_shell, shell  # noqa: PLC0415

    found = score_shell.listed(name, judging.bench(judging.Files(evaluators=evaluators)))
    if as_json:
        shell.json_lines(found)
    elif name is None:
        shell.table(score_shell.summaries(found), "No evaluator is installed.")
    else:
        typer.echo(score_shell.card_text(found[0]), nl=False)


@app.command()
def score(
    file: Annotated[Path, typer.Argument(help="JSON lines of rows; - for standard input.")],
    *,
    evaluator: Chosen,
    option: Options = None,
    judges: Judges = None,
    evaluators: Own = None,
    budget: Annotated[
        float | None,
        typer.Option(min=0, help="US dollars that judges may cost; then they are asked no more.", show_default=False),
    ] = None,
    calls: Annotated[int | None, typer.Option(min=0, help="Calls that judges may take.", show_default=False)] = None,
    cache: Annotated[
        Path | None, typer.Option(help="File in which judges' answers are kept, and sought first.", show_default=False)
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option(help="File that remembers this run: started again, it goes on where it was.", show_default=False),
    ] = None,
    trace: Annotated[
        bool, typer.Option("--trace", help="Send what judges do to the running server's project `judges`.")
    ] = False,
    repeats: Annotated[int, typer.Option(min=1, max=1000, help="Verdicts of each evaluator on each row.")] = 1,
    concurrency: Annotated[int, typer.Option(min=1, max=1024, help="Verdicts that are asked for at once.")] = 8,
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Score rows: a JSON line for each row and evaluator.

    A row is {id, question, answer, contexts: [..], reference, messages, ...}; README tells all names. Needs no server
    and no network, unless the evaluator is a judge.
    """
    from server import judging, score_shell  # noqa: PLC0415

    files = judging.Files(judges, evaluators, cache, budget, calls)
    with ExitStack() as around:
        tracer = around.enter_context(tracing(data_dir=data_dir, api_url=api_url)) if trace else None
        made = score_shell.made(evaluator, option or [], judging.bench(files, tracer))
        lines = around.enter_context(lines_of(file))
        tally = score_shell.score_lines(lines, made, score_shell.Way(concurrency, repeats, journal))
    typer.echo(tally.sentence(), err=True)
    if tally.unreadable or tally.errors:
        raise typer.Exit(FAILURE)
