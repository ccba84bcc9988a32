"""Commands over jobs: have stored traces scored by the worker of `assay up`."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from server.commands.common import ApiUrl, AsJson, DataDir, Project, Since, Until, app, as_time, by_whom, opened
from server.commands.scoring import Chosen, Options
from server.exit_codes import FAILURE

LOOK_S = 0.5

jobs = typer.Typer(
    short_help="Have stored traces scored; how far that is.",
    help="Have stored traces scored by the worker that `assay up` runs, and see how far that is.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(jobs, name="jobs")
JobId = Annotated[str, typer.Argument(help="Of the job: `assay jobs list` tells it.")]
Budget = Annotated[
    float | None, typer.Option(min=0, help="US dollars that judges may cost in all.", show_default=False)
]


@jobs.command("add")
def add(
    *,
    evaluator: Chosen,
    option: Options = None,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", "-w", help="FILTER=VALUE as of the query `traces`: service=shop.", show_default=False),
    ] = None,
    since: Since = None,
    until: Until = None,
    unit: Annotated[str, typer.Option(help="trace, or call: each model call by itself.")] = "trace",
    most: Annotated[int, typer.Option(min=1, max=10_000, help="Of them at most, the newest traces first.")] = 200,
    budget: Budget = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Until it is over.")] = False,
    author: Annotated[
        str | None, typer.Option(help="Who orders it [this user].", callback=by_whom, show_default=False)
    ] = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Have traces that started in the window scored, the newest first; their scores are shown in the app."""
    from server import job_shell, shell  # noqa: PLC0415

    order = job_shell.order(
        evaluator, option or [], where or [], as_time(since), as_time(until),
        unit=unit, most=most, budget_usd=budget, author=author,
    )  # fmt: skip
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        told = client.add_job(order, dry_run=dry_run)
        while wait and not dry_run and told["ended_at"] is None:
            time.sleep(LOOK_S)
            told = client.job(told["job_id"])
    shell.json_lines([told]) if as_json else typer.echo(job_shell.sentence(told))
    if told.get("state") == "stopped":
        raise typer.Exit(FAILURE)


@jobs.command("list")
def listed(
    *, as_json: AsJson = False, project: Project = "default", data_dir: DataDir = None, api_url: ApiUrl = None
) -> None:
    """The newest 100 jobs, newest first."""
    from server import job_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.jobs()
    shell.json_lines(found) if as_json else shell.table([job_shell.row(one) for one in found], "No job was ever given.")


@jobs.command("cancel")
def cancel(job_id: JobId, project: Project = "default", data_dir: DataDir = None, api_url: ApiUrl = None) -> None:
    """End a job; what was scored stays."""
    from server import job_shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        typer.echo(job_shell.sentence(client.cancel_job(job_id)))


@jobs.command("resume")
def resume(
    job_id: JobId,
    *,
    budget: Budget = None,
    unbounded: Annotated[bool, typer.Option("--no-budget", help="Lift the budget; else it stays as it was.")] = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Go on with a job that was cancelled, stopped or gave targets up."""
    from server import job_shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        typer.echo(job_shell.sentence(client.retry_job(job_id, budget, unbounded=unbounded)))
