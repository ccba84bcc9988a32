"""Commands over queues: set them, fill them, see how far they are, take labels in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from server.commands.common import ApiUrl, AsCsv, AsJson, Author, DataDir, Project, app, opened
from server.exit_codes import FAILURE

queue = typer.Typer(
    short_help="Queues of work for reviewers.",
    help="Queues of work for reviewers: what they are asked, which items, and what they said.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(queue, name="queue")
Name = Annotated[str, typer.Argument(help="Of the queue: `assay queue list` tells it.")]
Rows = Annotated[Path, typer.Argument(help="JSON lines or CSV; - for standard input.")]
STATES = "all, waiting, started, done, skipped, gold or removed."


@queue.command("list")
def listed(
    *, as_json: AsJson = False, project: Project = "default", data_dir: DataDir = None, api_url: ApiUrl = None
) -> None:
    """The project's queues and how far they are, the most urgent first."""
    from server import queue_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.queues()
    none = "No queue is set. `assay queue set queues.yaml` sets those of a file."
    shell.json_lines(found) if as_json else shell.table([queue_shell.row(one) for one in found], none)


@queue.command("show")
def show(
    name: Name,
    *,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """What a queue asks, how far it is, and who labelled."""
    from server import queue_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.queue(name)
    if as_json:
        shell.json_lines([found])
        return
    for sentence in queue_shell.sentences(found):
        typer.echo(sentence)
    shell.table([queue_shell.labeller_row(one) for one in found["labellers"]], "Nobody has labelled yet.")


@queue.command("set")
def set_(
    file: Annotated[Path, typer.Argument(help="YAML, `queues: [...]`; - for standard input.")],
    *,
    author: Author = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Set the queues of a file; others stay. The same again changes nothing."""
    from server import queue_shell, shell  # noqa: PLC0415

    told = queue_shell.read_queues(file)  # before any server is asked
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        made = queue_shell.set_queues(client, told, author)
    if as_json:
        shell.json_lines(made)
        return
    for one in made:
        typer.echo(queue_shell.sentences(one)[0])


@queue.command("open")
def open_(
    name: Name, author: Author = None, project: Project = "default", data_dir: DataDir = None, api_url: ApiUrl = None
) -> None:
    """Let people label again."""
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        client.open_queue(name, author)
    typer.echo(f"Queue {name} is open.")


@queue.command("close")
def close(
    name: Name, author: Author = None, project: Project = "default", data_dir: DataDir = None, api_url: ApiUrl = None
) -> None:
    """Hand nobody an item and save no label until the queue is opened."""
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        client.close_queue(name, author)
    typer.echo(f"Queue {name} is closed. What people had filled in is kept as drafts.")


@queue.command("delete")
def delete(
    name: Name, author: Author = None, project: Project = "default", data_dir: DataDir = None, api_url: ApiUrl = None
) -> None:
    """Take a queue away with its items; the scores that its labels made stay."""
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        client.delete_queue(name, author)
    typer.echo(f"Queue {name} is deleted; the scores that its labels made stay.")


@queue.command("items")
def items(
    name: Name,
    *,
    state: Annotated[str, typer.Option(help=STATES)] = "all",
    search: Annotated[str | None, typer.Option(help="Words of title or key, or an id.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=1000)] = 100,
    after: Annotated[int, typer.Option(help="From the item after this number on.", min=0)] = 0,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Items of a queue, by number."""
    from server import queue_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.queue_items(name, state, search, limit, after)
    if as_json:
        shell.json_lines(found["items"])
        return
    shell.table([queue_shell.item_row(one) for one in found["items"]], "No item matches.")
    if found["cut"]:
        last = found["items"][-1]["number"]
        typer.echo(f"{len(found['items']):,} of {found['total']:,} are shown; --after {last} shows more.")


@queue.command("add")
def add(
    name: Name,
    file: Rows,
    *,
    author: Author = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Put items of a file into a queue, a line each as `POST /api/queues/{name}/items` takes them."""
    from server import queue_shell  # noqa: PLC0415

    told = queue_shell.read_rows(file)
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = queue_shell.sent(told, lambda part: client.add_items(name, part, author))
    _tell(found, "items", as_json=as_json)


@queue.command("import")
def import_(
    name: Name,
    file: Rows,
    *,
    author: Author = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Put labels of elsewhere into a queue; repeats change nothing.

    Columns: number or key of the item, labeller, a column for each field (or answers, an object), and comment, seconds,
    at.
    """
    from server import queue_shell  # noqa: PLC0415
    from server.labelling.terms import Terms  # noqa: PLC0415

    rows = queue_shell.read_rows(file)
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        fields = Terms.model_validate(client.queue(name)["terms"]).fields
        told = [queue_shell.label_of(one, fields) for one in rows]
        found = queue_shell.sent(told, lambda part: client.import_labels(name, part, author))
    _tell(found, "labels", as_json=as_json)


def _tell(found: dict[str, Any], what: str, *, as_json: bool) -> None:
    from server import queue_shell, shell  # noqa: PLC0415

    if as_json:
        shell.json_lines([found])
    else:
        for sentence in queue_shell.outcome(found, what):
            typer.echo(sentence)
    if found["refused"]:
        raise typer.Exit(FAILURE)


@queue.command("labels")
def labels(
    name: Name,
    *,
    field: Annotated[str | None, typer.Option(help="Of this field alone.", show_default=False)] = None,
    as_csv: AsCsv = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """What people said, a row an answer, as `assay agreement` takes it: JSON lines, or CSV with --csv.

    `assay agreement` needs one field at a time.
    """
    from server import queue_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        client.queue(name)  # an unknown name is told
        parts = [one.frame for one in client.all_queue_labels(name, field)]
    rows = [row for part in parts for row in queue_shell.label_rows(part)]
    if not as_csv:
        shell.json_lines(rows)
        return
    columns = list(dict.fromkeys(column for one in rows for column in one)) or list(queue_shell.COLUMNS)
    shell.csv_rows(columns, ([one.get(column) for column in columns] for one in rows))
