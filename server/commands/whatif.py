"""`assay whatif`: what other choices would have come to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from server.commands.common import ApiUrl, AsJson, DataDir, Project, Since, Until, app, lines_of, opened, window

whatif = typer.Typer(
    short_help="What a cache, other models or the hardware come to.",
    help="What a cache, other models or the hardware come to: of stored calls, or of a FILE without a store.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(whatif, name="whatif")
Calls = Annotated[
    Path | None, typer.Argument(help="JSON lines of calls, see README; - for standard input.", show_default=False)
]


@whatif.command("caching")
def whatif_caching(
    file: Calls = None,
    *,
    ttl: Annotated[float, typer.Option(min=1, help="Seconds that an answer or prefix is kept.")] = 300,
    similarity: Annotated[float, typer.Option(min=0.5, max=1, help="From which a near repeat is one.")] = 0.9,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Exact repeats, shared prefixes, near repeats: what caching them would have saved, and the risk of false hits."""
    from server import shell, whatif_shell  # noqa: PLC0415

    if file is not None:
        from datetime import timedelta  # noqa: PLC0415

        from server.whatif import caching, lines  # noqa: PLC0415

        with lines_of(file) as told:
            found = lines.caching_report(lines.read(told, []), [], caching.Options(timedelta(seconds=ttl), similarity))
    else:
        with opened(project, data_dir=data_dir, api_url=api_url) as client:
            found = client.whatif("caching", **window(since, until), ttl_s=ttl, similarity=similarity)
    if as_json:
        shell.json_lines([found])
        return
    typer.echo(whatif_shell.caching_sentence(found))
    shell.table(whatif_shell.caching_rows(found), "")


@whatif.command("routing")
def whatif_routing(
    file: Calls = None,
    *,
    score: Annotated[
        str | None, typer.Option(help="Name of the score [the one with most].", show_default=False)
    ] = None,
    lower: Annotated[bool, typer.Option("--lower-is-better", help="Of the score.")] = False,
    margin: Annotated[float, typer.Option(min=0, help="Loss of mean score that is still no worse.")] = 0.05,
    input_tokens: Annotated[str, typer.Option(help="Tokens of input from which a call is a level up.")] = "1000,8000",
    turn: Annotated[str, typer.Option(help="Model calls before it in its trace, likewise.")] = "3,10",
    tools: Annotated[str, typer.Option(help="Tools that were offered, likewise.")] = "1",
    topics: Annotated[
        int, typer.Option(min=0, max=20, help="Part levels by what calls are about, into so many topics at most.")
    ] = 0,
    as_yaml: Annotated[bool, typer.Option("--yaml", help="The policy as YAML, and nothing else.")] = False,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Groups of calls moved to another model: what that would have saved, and done to quality."""
    from server import shell, whatif_shell  # noqa: PLC0415

    better = "lower" if lower else "higher"
    steps = {"input_tokens": input_tokens, "turn": turn, "tools": tools}
    if file is not None:
        from server.whatif import lines, routing  # noqa: PLC0415

        try:
            measure = {name: routing.thresholds(text, name) for name, text in steps.items()}
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        with lines_of(file) as told:
            found = lines.routing_report(
                lines.read(told, []),
                [],
                routing.Options(score, "lower" if lower else "higher", margin, measure, topics),
            )
    else:
        with opened(project, data_dir=data_dir, api_url=api_url) as client:
            found = client.whatif(
                "routing", **window(since, until), score=score, better=better, margin=margin, topics=topics, **steps
            )
    if as_yaml:
        typer.echo(found["policy_yaml"], nl=False)
    elif as_json:
        shell.json_lines([found])
    else:
        typer.echo(whatif_shell.routing_sentence(found))
        if found["topics"]:
            shell.table(whatif_shell.topic_rows(found["topics"]), "No topics can be told apart.")
        shell.table(whatif_shell.routing_rows(found), whatif_shell.no_moves(found))


@whatif.command("carbon")
def whatif_carbon(
    file: Calls = None,
    *,
    zone: Annotated[
        str, typer.Option(help="Where electricity comes from: FRA, USA, WOR, ..., or as EcoLogits assumes.")
    ] = "provider",
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Energy and emissions of model calls by month and model, as ranges with their source and assumptions."""
    from server import shell, whatif_shell  # noqa: PLC0415

    if file is not None:
        from server.whatif import lines  # noqa: PLC0415

        with lines_of(file) as told:
            found = lines.carbon_report(lines.read(told, []), zone)
    else:
        with opened(project, data_dir=data_dir, api_url=api_url) as client:
            found = client.whatif("carbon", **window(since, until), zone=zone)
    if as_json:
        shell.json_lines([found])
        return
    typer.echo(whatif_shell.carbon_sentence(found))
    shell.table(whatif_shell.carbon_rows(found), "No model calls.")
