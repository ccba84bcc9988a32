"""Commands over judges: how far people say the same, the card of one, and to score again what was labelled."""

from __future__ import annotations

from typing import Annotated

import typer

from server.commands.common import ApiUrl, AsJson, Author, DataDir, Project, app, opened

judges = typer.Typer(no_args_is_help=True, help="Judges and evaluators against people's labels.")
app.add_typer(judges, name="judges")

Score = Annotated[str, typer.Argument(help="Name of the score: `assay judges list` tells it.")]
Evaluator = Annotated[str | None, typer.Option(help="What gave it; none: what gave the newest that people labelled.")]
Version = Annotated[str | None, typer.Option(help="Of the evaluator; none: the one that scored last.")]
Label = Annotated[str | None, typer.Option(help="Name of people's labels; none: those for this score.")]


@judges.command("list")
def listed(
    *, as_json: AsJson = False, project: Project = "default", data_dir: DataDir = None, api_url: ApiUrl = None
) -> None:
    """Judges and evaluators, those that people labelled most of first, and how far they can be trusted."""
    from server import judge_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.judges()["judges"]
    none = "Nothing was scored in this project. `assay score` and online rules score."
    shell.json_lines(found) if as_json else shell.table([judge_shell.row(one) for one in found], none)


@judges.command("card")
def card(
    score: Score,
    *,
    evaluator: Evaluator = None,
    version: Version = None,
    label: Label = None,
    by: Annotated[str | None, typer.Option(help="A card for each model, release, ... too.")] = None,
    width: Annotated[float | None, typer.Option(help="Of an interval: how many labels does it take?")] = None,
    threshold: Annotated[float | None, typer.Option(help="From which on the judge says yes.")] = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """The calibration card of a judge, and what people would say of all that it scored."""
    from server import judge_shell, shell  # noqa: PLC0415

    asked = {"evaluator": evaluator, "version": version, "label": label, "by": by, "width": width}
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.judge(score, **asked, threshold=threshold)
    if as_json:
        shell.json_lines([found])
        return
    for sentence in judge_shell.sentences(found):
        typer.echo(sentence)


@judges.command("recheck")
def recheck(
    score: Score,
    *,
    evaluator: Evaluator = None,
    version: Version = None,
    label: Label = None,
    queue: Annotated[str | None, typer.Option(help="That keeps the items; none: recheck- and the score.")] = None,
    budget: Annotated[float | None, typer.Option(help="US dollars that judges may cost in all.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
    author: Author = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Have what people labelled scored by the evaluator as it is installed now; needs no people."""
    from server import shell  # noqa: PLC0415

    told = {"evaluator": evaluator, "version": version, "label": label, "queue": queue, "budget_usd": budget}
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.recheck_judge(score, **told, author=author, dry_run=dry_run)
    if as_json:
        shell.json_lines([found])
        return
    typer.echo(found["sentence"])
    if found["job"]:
        typer.echo(f"Job {found['job']}: `assay job show {found['job']}` says how far it is.")
