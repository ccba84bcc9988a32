"""Commands over standing rules: have new traces scored as they come, and see how far that is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from server.commands.common import ApiUrl, AsJson, Author, DataDir, Project, Since, Until, app, as_time, opened
from server.commands.jobs import LOOK_S, Budget

rules = typer.Typer(
    short_help="Have new traces scored as they come.",
    help="Have new traces, calls or sessions scored as they come, by the worker that `assay up` runs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(rules, name="rules")
Name = Annotated[str, typer.Argument(help="Of the rule: `assay rules list` tells it.")]


@rules.command("list")
def listed(
    *, as_json: AsJson = False, project: Project = "default", data_dir: DataDir = None, api_url: ApiUrl = None
) -> None:
    """The project's rules with their backlogs, by name."""
    from server import rule_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.rules()
    none = "No rule is set. `assay rules set rules.yaml` sets those of a file."
    shell.json_lines(found) if as_json else shell.table([rule_shell.row(one) for one in found], none)


@rules.command("set")
def set_(
    file: Annotated[Path, typer.Argument(help="YAML, `rules: [...]`; - for standard input.")],
    *,
    author: Author = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Set the rules of a file; others stay. Each looks at the traces that come from now on."""
    from server import rule_shell, shell  # noqa: PLC0415

    told = rule_shell.read_rules(file)  # before any server is asked
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        made = rule_shell.set_rules(client, told, author)
    if as_json:
        shell.json_lines(made)
        return
    for one in made:
        typer.echo(rule_shell.sentence(one))


@rules.command("enable")
def enable(
    name: Name, author: Author = None, project: Project = "default", data_dir: DataDir = None, api_url: ApiUrl = None
) -> None:
    """Turn a rule on; it looks at the traces that come from now on."""
    _turn(name, author, project, data_dir, api_url, on=True)


@rules.command("disable")
def disable(
    name: Name, author: Author = None, project: Project = "default", data_dir: DataDir = None, api_url: ApiUrl = None
) -> None:
    """Turn a rule off; what waits of it waits on."""
    _turn(name, author, project, data_dir, api_url, on=False)


def _turn(name: str, author: str | None, project: str, data_dir: Path | None, api_url: str | None, *, on: bool) -> None:
    from server import rule_shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        terms = rule_shell.terms_of(client.rule(name)) | {"enabled": on}
        typer.echo(rule_shell.sentence(client.set_rule(name, terms, author)))


@rules.command("delete")
def delete(
    name: Name, author: Author = None, project: Project = "default", data_dir: DataDir = None, api_url: ApiUrl = None
) -> None:
    """Take a rule away, with what waits of it; its scores stay."""
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        client.delete_rule(name, author)
    typer.echo(f"Rule {name} is deleted; its scores stay.")


@rules.command("backlog")
def backlog(
    name: Name,
    *,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """What waits of a rule, and what it did in each of the last 24 hours."""
    from server import rule_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        rule, told = client.rule(name), client.rule_backlog(name)
    if as_json:
        shell.json_lines([told])
        return
    typer.echo(rule_shell.sentence(rule))
    shell.table(told["hours"], "Nothing was scored in the last 24 hours.")


@rules.command("failures")
def failures(
    name: Name,
    *,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Targets of a rule that are not scored, and why; the newest 200."""
    from server import shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.rule_failures(name)
    if as_json:
        shell.json_lines(found["failures"])
        return
    shown = ("trace_id", "span_id", "session_id", "evaluator", "error_type", "error", "failed_at", "retried_at")
    shell.table([{key: one[key] for key in shown} for one in found["failures"]], "No target failed.")


@rules.command("retry")
def retry(
    name: Name,
    *,
    error_type: Annotated[str | None, typer.Option(help="Of this error alone.", show_default=False)] = None,
    evaluator: Annotated[str | None, typer.Option(help="Of this evaluator alone.", show_default=False)] = None,
    trace: Annotated[str | None, typer.Option(help="Of this trace alone: its id.", show_default=False)] = None,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Have what failed scored again, by the evaluators that failed."""
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        count = client.retry_failures(name, error_type=error_type, evaluator=evaluator, trace_id=trace)
    typer.echo(f"{count:,} {'target is' if count == 1 else 'targets are'} scored again.")


@rules.command("backfill")
def backfill(
    name: Name,
    *,
    since: Since = None,
    until: Until = None,
    again: Annotated[bool, typer.Option("--again", help="Also what the rule's evaluators have scored.")] = False,
    budget: Budget = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many, and what that costs.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Until it is over.")] = False,
    author: Author = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Have stored traces that started in the window scored as the rule says, after what is new."""
    from server import job_shell, rule_shell, shell  # noqa: PLC0415
    from server.price_shell import EARLIEST, LATEST  # noqa: PLC0415

    window = (as_time(since) or EARLIEST, as_time(until) or LATEST)
    more: dict[str, Any] = {"again": again, "budget_usd": budget, "author": author}
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        told = client.backfill(name, *window, dry_run=dry_run, **more)
        while wait and not dry_run and told["ended_at"] is None:
            time.sleep(LOOK_S)
            told = client.job(told["job_id"])
    if as_json:
        shell.json_lines([told])
    else:
        typer.echo(rule_shell.foretold(told) if dry_run else job_shell.sentence(told))
