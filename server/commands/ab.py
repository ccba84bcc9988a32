"""Commands over live A/B tests: register them, see what came of one, stop it, delete it, deal a unit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from server.commands.common import ApiUrl, AsJson, Author, DataDir, Project, app, opened

ab = typer.Typer(
    short_help="Live A/B tests.",
    help="Live A/B tests: variants on live traffic, read every day with intervals that allow it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(ab, name="ab")
Name = Annotated[str, typer.Argument(help="Of the test: `assay ab list` tells it.")]


@ab.command("list")
def listed(
    *, as_json: AsJson = False, project: Project = "default", data_dir: DataDir = None, api_url: ApiUrl = None
) -> None:
    """The project's tests, by name."""
    from server import ab_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.ab_tests()
    none = "No A/B test is set. `assay ab set tests.yaml` sets those of a file."
    shell.json_lines(found) if as_json else shell.table([ab_shell.row(one) for one in found], none)


@ab.command("show")
def show(
    name: Name,
    *,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """What came of a test until now: the finding, its arms, warnings. Look as often as you like."""
    from server import ab_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        test, found = client.ab_test(name), client.ab_results(name)
    if as_json:
        shell.json_lines([test | {"results": found}])
        return
    typer.echo(ab_shell.sentence(test))
    typer.echo(found["sentence"])
    shell.table(ab_shell.arms(test, found), "No unit is exposed yet.")
    for warning in found["warnings"]:
        typer.echo(warning)


@ab.command("set")
def set_(
    file: Annotated[Path, typer.Argument(help="YAML, `ab_tests: [...]`; - for standard input.")],
    *,
    author: Author = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Set the tests of a file; others stay. One without a start starts now, and then keeps its variants and weights."""
    from server import ab_shell, shell  # noqa: PLC0415

    told = ab_shell.read_tests(file)  # before any server is asked
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        made = ab_shell.set_tests(client, told, author)
    if as_json:
        shell.json_lines(made)
        return
    for one in made:
        typer.echo(ab_shell.sentence(one))


@ab.command("assign")
def assign(
    name: Name,
    unit: Annotated[str, typer.Argument(help="Id of the user, session or trace.")],
    *,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """The variant that a unit gets, always the same."""
    from server import shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.assign_unit(name, unit)
    shell.json_lines([found]) if as_json else typer.echo(found["variant"])


@ab.command("stop")
def stop(
    name: Name,
    *,
    author: Author = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Stop a test now; later traces do not count. It cannot begin again."""
    from server import ab_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        stopped = client.stop_ab_test(name, author)
    shell.json_lines([stopped]) if as_json else typer.echo(ab_shell.sentence(stopped))


@ab.command("delete")
def delete(
    name: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    author: Author = None,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Take a test from the lists: units of it are dealt no more. Its versions and the traces stay."""
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.ab_test(name)
        if not yes:
            typer.confirm(f"Delete A/B test {name}, which is {found['state']}?", abort=True)
        client.forget_ab_test(name, author)
    typer.echo(f"A/B test {name} is deleted; its traces stay.")
