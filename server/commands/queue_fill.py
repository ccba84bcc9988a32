"""Commands that fill queues from what is stored, and tell what their feeds put in."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from server.commands.common import ApiUrl, AsJson, Author, DataDir, Project, Since, Until, as_time, opened
from server.commands.queues import Name, queue

Many = list[str] | None


@queue.command("fill")
def fill(
    name: Name,
    *,
    where: Annotated[
        Many, typer.Option(help="NAME=VALUE: traces that match, as service=shop; repeat.", show_default=False)
    ] = None,
    unit: Annotated[
        str | None, typer.Option(help="trace, call or session; of scores trace.", show_default=False)
    ] = None,
    since: Since = None,
    until: Until = None,
    score: Annotated[Many, typer.Option(help="What has this score; repeat to compare.", show_default=False)] = None,
    evaluator: Annotated[Many, typer.Option(help="By this evaluator; repeat.", show_default=False)] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Whose evaluator failed.")] = False,
    below: Annotated[float | None, typer.Option(help="Whose score is below this.", show_default=False)] = None,
    above: Annotated[float | None, typer.Option(help="Whose score is above this.", show_default=False)] = None,
    label: Annotated[str | None, typer.Option(help="Whose score has this label.", show_default=False)] = None,
    disagreement: Annotated[bool, typer.Option("--disagreement", help="Of which judges differ.")] = False,
    alert: Annotated[int | None, typer.Option(help="What this alert shows.", show_default=False)] = None,
    beside: Annotated[bool, typer.Option("--beside", help="And other traces of its time.")] = False,
    run: Annotated[str | None, typer.Option(help="Rows of this run, by id.", show_default=False)] = None,
    failing: Annotated[bool, typer.Option("--failing", help="Rows that fail alone.")] = False,
    compare: Annotated[Many, typer.Option(help="Answers of runs side by side; repeat.", show_default=False)] = None,
    dataset: Annotated[str | None, typer.Option(help="Items of this dataset.", show_default=False)] = None,
    gold: Annotated[
        Many, typer.Option(help="FIELD=PART: right answers, as correct=metadata.label.", show_default=False)
    ] = None,
    side: Annotated[Many, typer.Option(help="Part shown as an answer; repeat to compare.", show_default=False)] = None,
    trace: Annotated[Many, typer.Option(help="ID or ID/SPAN; repeat.", show_default=False)] = None,
    session: Annotated[Many, typer.Option(help="This session; repeat.", show_default=False)] = None,
    method: Annotated[
        str, typer.Option("--sample", help="random, stratified, informative, weighted or all.")
    ] = "random",
    most: Annotated[int, typer.Option(min=1, max=1000, help="So many items at most.")] = 100,
    by: Annotated[
        str | None, typer.Option(help="Of stratified: model, service, release, ...", show_default=False)
    ] = None,
    judge: Annotated[Many, typer.Option(help="Of informative: scores of judges; repeat.", show_default=False)] = None,
    threshold: Annotated[
        float | None, typer.Option(help="From which value on a judge says yes.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same draws the same.")] = 0,
    priority: Annotated[
        float | None, typer.Option(help="Higher ones are handed out first.", show_default=False)
    ] = None,
    needed: Annotated[int | None, typer.Option(min=1, max=20, help="Labels by people.", show_default=False)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be put in.")] = False,
    author: Author = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Put items into a queue: traffic by filter or score, an alert, rows of runs, a dataset. The same adds nothing."""
    from server import queue_fill_shell, shell  # noqa: PLC0415

    sample: dict[str, Any] = {"method": method, "most": most, "seed": seed, "scores": judge or []}
    sample |= {key: value for key, value in (("by", by), ("threshold", threshold)) if value is not None}
    told = queue_fill_shell.Told(
        where=where or (), unit=unit, score=score or (), evaluator=evaluator or (), failed=failed, below=below,
        above=above, label=label, disagreement=disagreement, alert=alert, beside=beside, run=run,
        compare=compare or (), failing=failing, dataset=dataset, gold=gold or (), side=side or (), trace=trace or (),
        session=session or (), since=as_time(since), until=as_time(until), priority=priority, needed=needed,
        sample=sample,
    )  # fmt: skip
    try:
        source = queue_fill_shell.source(told)
    except queue_fill_shell.SourceError as error:
        raise typer.BadParameter(str(error)) from error
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        done = client.fill_queue(name, source, author, dry_run=dry_run)
    if as_json:
        shell.json_lines([done])
        return
    typer.echo(done["sentence"])
    if done["samples"]:
        shell.table([queue_fill_shell.row(one) for one in done["samples"]], "")
    for one in queue_fill_shell.refusals(done):
        typer.echo(one, err=True)


@queue.command("feeds")
def feeds(
    name: Name,
    *,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """What the feeds of a queue look for, put in, and left out."""
    from server import queue_fill_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.queue_feeds(name)
    none = "The queue has no feed: `feeds` in its file says which new traces become items."
    shell.json_lines(found) if as_json else shell.table([queue_fill_shell.feed_row(one) for one in found], none)
