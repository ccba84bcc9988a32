"""Commands over stored datasets: made, read, compared, checked, split, taken in and out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from server.commands.common import ApiUrl, AsJson, DataDir, Project, Since, Until, app, as_time, by_whom, opened
from server.exit_codes import FAILURE

datasets = typer.Typer(
    short_help="Datasets by version: import, check, split, compare, export.",
    help="Datasets by version: every change is a new one, and old ones stay as they were.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(datasets, name="datasets")

Name = Annotated[str, typer.Argument(help="Of the dataset: letters, digits, dots, dashes, underscores.")]
OfVersion = Annotated[int | None, typer.Option(min=1, help="Default the newest.", show_default=False)]
Note = Annotated[str, typer.Option(help="What the change is, for those who read the versions.", show_default=False)]
Author = Annotated[str | None, typer.Option(help="Who makes it [this user].", callback=by_whom, show_default=False)]
Split = Annotated[str | None, typer.Option(help="Of this split.", show_default=False)]
CHOICES = ("keep", "skip", "replace")


@datasets.command("list")
def listed(
    *, as_json: AsJson = False, project: Project = "default", data_dir: DataDir = None, api_url: ApiUrl = None
) -> None:
    """The datasets, by name."""
    from server import dataset_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.datasets()
    if as_json:
        shell.json_lines(found)
        return
    shell.table(
        [dataset_shell.row(one) for one in found], "No dataset is stored. `assay datasets import NAME FILE` makes one."
    )


@datasets.command()
def show(
    name: Name,
    *,
    version: OfVersion = None,
    split: Split = None,
    tag: Annotated[str | None, typer.Option(help="With this tag.", show_default=False)] = None,
    text: Annotated[str | None, typer.Option(help="With this text in any field.", show_default=False)] = None,
    item: Annotated[str | None, typer.Option(help="This one, with its history.", show_default=False)] = None,
    most: Annotated[int, typer.Option(min=1, max=1000, help="So many items.")] = 20,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Items of a version; with --json whole."""
    from server import dataset_shell, shell  # noqa: PLC0415
    from server.evals.figures import counted  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        if item is not None:
            shell.json_lines([client.dataset_item(name, item, version)])
            return
        page = client.dataset_items(name, version=version, split=split, tag=tag, text=text, page_size=most)
    if as_json:
        shell.json_lines(page["items"])
        return
    shell.table([dataset_shell.item_row(one) for one in page["items"]], "No item matches.")
    typer.echo(f"Version {page['version']}: {len(page['items']):,} of {counted(page['matching'], 'item')}.")


@datasets.command()
def versions(
    name: Name, *, as_json: AsJson = False, project: Project = "default", data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:  # fmt: skip
    """The versions, the newest first."""
    from server import dataset_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.dataset(name)["versions"]
    if as_json:
        shell.json_lines(found)
        return
    shell.table([dataset_shell.version_row(one) for one in found], f"Nothing was put into {name} yet.")


@datasets.command()
def diff(
    name: Name,
    older: Annotated[int, typer.Argument(min=0, help="A version; 0: before the first.")],
    newer: Annotated[int | None, typer.Argument(min=1, help="Default the newest.")] = None,
    *,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """What differs between two versions: items that were added, removed, changed, with the words that changed."""
    from server import dataset_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        page = client.dataset_diff(name, older, newer, page_size=1000 if as_json else 50)
        if not as_json:
            typer.echo("\n".join(dataset_shell.diff_lines(page)))
            return
        while page["items"]:
            shell.json_lines(page["items"])
            page = client.dataset_diff(name, older, newer, page_size=1000, after_item=page["items"][-1]["id"])


@datasets.command("import")
def take_in(
    name: Name,
    file: Annotated[Path, typer.Argument(help="JSON lines, CSV (also .gz) or Parquet; - reads standard input.")],
    *,
    note: Note = "",
    author: Author = None,
    field: Annotated[
        list[str] | None, typer.Option("--field", "-f", help="FIELD=COLUMN where names differ.", show_default=False)
    ] = None,
    duplicates: Annotated[
        str,
        typer.Option(
            help="What becomes of rows whose id is taken, or that ask what an item asks: ask, keep (under an id of "
            "their own), skip, replace (by id)."
        ),
    ] = "ask",
    split: Annotated[str | None, typer.Option(help="Of rows that name none.", show_default=False)] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Of all rows.", show_default=False)] = None,
    of: Annotated[str, typer.Option("--format", help="Of standard input: jsonl, csv, parquet.")] = "jsonl",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be.")] = False,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Make items of a file; a dataset of the name is made where there is none."""
    from server import dataset_shell, shell  # noqa: PLC0415
    from server.client_datasets import parts_of  # noqa: PLC0415

    if duplicates not in {"ask", *CHOICES}:
        raise typer.BadParameter(f"--duplicates is ask, {', '.join(CHOICES)}; not {duplicates!r}")
    typed = str(file) == "-"
    if not typed and not file.is_file():
        raise typer.BadParameter(f"{file} is no file that can be read")
    held = sys.stdin.buffer.read() if typed else None
    params: dict[str, Any] = {
        "fields": dataset_shell.pairs(field or [], "A field"), "split": split, "tags": ",".join(tag or []),
        "note": note, "author": author,
    }  # fmt: skip

    def ask(how: str, *, dry: bool) -> dict[str, Any]:
        content = held if held is not None else parts_of(file)
        called = f"stdin.{of}" if typed else file.name
        return client.import_dataset(name, called, content, duplicates=how, dry_run=dry, check=not dry, **params)

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        if duplicates == "ask" and not dry_run and not typed and sys.stdin.isatty():
            told = ask("ask", dry=True)
            params["base"] = told["base"]
            if any(told[kind] for kind in dataset_shell.DUPLICATES):
                typer.echo(dataset_shell.imported(told, dry_run=True))
                duplicates = typer.prompt("keep, skip or replace them?", default="skip")
        told = ask(duplicates, dry=dry_run)
    shell.json_lines([told]) if as_json else typer.echo(dataset_shell.imported(told, dry_run=dry_run))


@datasets.command()
def add(
    name: Name,
    *,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", "-w", help="FILTER=VALUE as of the query `traces`: service=shop.", show_default=False),
    ] = None,
    score: Annotated[str | None, typer.Option(help="Traces with this score ...", show_default=False)] = None,
    below: Annotated[float | None, typer.Option(help="... of at most this.", show_default=False)] = None,
    above: Annotated[float | None, typer.Option(help="... of at least this.", show_default=False)] = None,
    trace: Annotated[
        list[str] | None, typer.Option(help="This trace, or TRACE/SPAN; in place of filters.", show_default=False)
    ] = None,
    since: Since = None,
    until: Until = None,
    unit: Annotated[str, typer.Option(help="trace, or call: each model call by itself.")] = "trace",
    most: Annotated[int, typer.Option(min=1, max=2000, help="Traces at most, the newest first.")] = 200,
    answer_as: Annotated[str, typer.Option(help="What the answer becomes: answer, reference, nothing.")] = "answer",
    duplicates: Annotated[str, typer.Option(help="Of those that ask what an item asks: keep, skip.")] = "skip",
    split: Split = None,
    tag: Annotated[list[str] | None, typer.Option(help="Of these items.", show_default=False)] = None,
    note: Note = "",
    author: Author = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be.")] = False,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Make items of stored traces, by filter, by a score, or by id; the same trace twice is no new item."""
    from server import dataset_shell, shell  # noqa: PLC0415
    from server.client_base import text  # noqa: PLC0415
    from server.price_shell import EARLIEST, LATEST  # noqa: PLC0415

    wanted: dict[str, Any] = {
        "unit": unit, "most": most, "answer_as": answer_as, "duplicates": duplicates, "split": split,
        "tags": tag or [], "note": note, "author": author, "dry_run": dry_run,
    }  # fmt: skip
    if trace:
        told = [one.partition("/") for one in trace]
        wanted["targets"] = [{"trace_id": one, "span_id": span or None} for one, _, span in told]
    else:
        if score is None and (below is not None or above is not None):
            raise typer.BadParameter("--below and --above are of a score: name it by --score")
        by = {"score": score, "score_at_most": below, "score_at_least": above}
        window = {"since": text(as_time(since) or EARLIEST), "until": text(as_time(until) or LATEST)}
        kept = {key: value for key, value in by.items() if value is not None}
        wanted["filter"] = window | kept | dataset_shell.pairs(where or [], "A filter")
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        told_of = client.dataset_from_traces(name, wanted)
    shell.json_lines([told_of]) if as_json else typer.echo(dataset_shell.traced(told_of, dry_run=dry_run))


@datasets.command()
def export(
    name: Name,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File; else standard output.", show_default=False)
    ] = None,
    of: Annotated[
        str, typer.Option("--format", help="jsonl, csv, parquet, openai (fine-tuning of chat models).")
    ] = "jsonl",
    version: OfVersion = None,
    split: Split = None,
    answers: Annotated[
        bool, typer.Option("--answers", help="With openai: train on recorded answers where there is no reference.")
    ] = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Write a version as a file."""
    from server.evals.figures import counted  # noqa: PLC0415

    if of not in {"jsonl", "csv", "parquet", "openai"}:
        raise typer.BadParameter(f"--format is jsonl, csv, parquet or openai; not {of!r}")

    def write(into: IO[bytes]) -> dict[str, Any]:
        with opened(project, data_dir=data_dir, api_url=api_url) as client:
            return client.export_dataset(name, into, of, version=version, split=split, answers=answers)  # type: ignore[arg-type]  # checked above

    if out is None:
        told = write(sys.stdout.buffer)
        sys.stdout.buffer.flush()
    else:
        part = out.with_name(f".{out.name}.part")
        try:
            with part.open("wb") as file:
                told = write(file)
            part.replace(out)
        finally:
            part.unlink(missing_ok=True)
    said = [f"{counted(told['items'], 'item')} of version {told['version']}{'' if out is None else f' in {out}'}."]
    typer.echo("\n".join([*said, *told["sentences"]]), err=True)


@datasets.command()
def split(
    name: Name,
    parts: Annotated[list[str], typer.Argument(help="NAME=SHARE, such as train=0.8 test=0.2.")],
    *,
    seed: Annotated[int, typer.Option(min=0, help="Another one gives another split.")] = 0,
    by: Annotated[
        str | None,
        typer.Option(help="Member of metadata: items with one value lie in one split [the id].", show_default=False),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Items that have a split keep it.")] = False,
    note: Note = "",
    author: Author = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Give items splits by a hash; items that come later get theirs by the same rule, and move no others."""
    from server import dataset_shell, shell  # noqa: PLC0415

    rule = {"parts": dataset_shell.shares(parts), "seed": seed, "by": by, "keep": keep, "author": author}
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        base = client.dataset(name)["version"]
        said = note or f"Split {' '.join(parts)}, seed {seed}{f', by {by}' if by else ''}."
        made = client.split_dataset(name, rule | {"base": base, "note": said})
    shell.json_lines([made or {"version": None}]) if as_json else typer.echo(dataset_shell.made(made, name))


@datasets.command()
def check(
    name: Name,
    *,
    version: OfVersion = None,
    near: Annotated[float, typer.Option(min=0.5, max=1, help="Likeness of near duplicates.")] = 0.9,
    longest: Annotated[int, typer.Option(min=1, help="Letters of a field.")] = 20_000,
    by: Annotated[
        str | None, typer.Option(help="Member of metadata that is the cluster [the split's].", show_default=False)
    ] = None,
    fix: Annotated[
        str | None,
        typer.Option(
            help="drop_exact, drop_near, drop_leaks, move_leaks or drop_empty: done as a new version.",
            show_default=False,
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 1 when duplicates or leaks were found.")] = False,
    author: Author = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Duplicates, near duplicates, leaks across splits, empty and long fields."""
    from server import dataset_shell, shell  # noqa: PLC0415

    wanted = {"version": version, "near": near, "longest": longest, "by": by, "fix": fix, "author": author}
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        told = client.check_dataset(name, wanted)
    shell.json_lines([told]) if as_json else typer.echo("\n".join(dataset_shell.check_lines(told)))
    faulty = ("exact", "leak_exact", "leak_near", "leak_cluster")
    if strict and any(one["count"] for one in told["findings"] if one["check"] in faulty):
        raise typer.Exit(FAILURE)


@datasets.command()
def delete(
    name: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Forget a dataset with all its versions. Runs that took it keep their rows."""
    from server.evals.figures import counted  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.dataset(name)
        if not yes:
            what = f"{counted(found['items'], 'item')} and {counted(len(found['versions']), 'version')}"
            typer.confirm(f"Forget {name}, its {what}?", abort=True)
        client.delete_dataset(name)
    typer.echo(f"{name} is forgotten.")
