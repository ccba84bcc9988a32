"""Commands over what labels become: training files, golden sets, suites, few-shot examples."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from server.commands.common import ApiUrl, AsJson, Author, DataDir, Project, Since, Until, app, as_time, opened

training = typer.Typer(
    short_help="Training files, golden sets and examples of labels.",
    help="What labels become: training files with a data card, golden sets, suites over them, few-shot examples.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(training, name="training-data")

Queue = Annotated[str | None, typer.Argument(help="Whose labels; none with --feedback.", show_default=False)]
Field = Annotated[str | None, typer.Option(help="Of the queue: what people answered.", show_default=False)]
Feedback = Annotated[bool, typer.Option("--feedback", help="Corrections of end users, in place of a queue.")]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", "-w", help="FIELD=ANSWER: only items whose consensus is this.", show_default=False),
]
Attribute = Annotated[
    list[str] | None, typer.Option("--attribute", help="NAME=VALUE: only such items.", show_default=False)
]
LeastLabels = Annotated[int, typer.Option(min=1, max=20, help="Labels that an item has at least.")]
LeastAgreement = Annotated[float, typer.Option(min=0, max=1, help="Share of its labels that are its answer.")]
Gold = Annotated[str, typer.Option(help="Items with a known right answer: leave_out, take, only.")]


@training.command("formats")
def formats(
    *, as_json: AsJson = False, project: Project = "default", data_dir: DataDir = None, api_url: ApiUrl = None
) -> None:
    """The formats, what each trains, and which kinds of fields make it; with --json also the schema of a row."""
    from server import shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.training_formats()
    if as_json:
        shell.json_lines(found)
        return
    names = ("format", "title", "columns", "kinds")
    listed = {"columns", "kinds"}
    rows = [{name: ", ".join(one[name]) if name in listed else one[name] for name in names} for one in found]
    shell.table(rows, "There is no format.")


@training.command("export")
def export(
    queue: Queue = None,
    *,
    of: Annotated[str, typer.Option("--format", help="openai, messages, dpo, kto, reward, reward-pairs.")],
    licence: Annotated[str, typer.Option(help="Under which licence, or whose consent, the texts may be trained on.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder, or FILE.zip.", show_default=False)
    ] = None,
    field: Field = None,
    feedback: Feedback = False,
    where: Where = None,
    attribute: Attribute = None,
    labeller: Annotated[list[str] | None, typer.Option(help="Labels of these alone.", show_default=False)] = None,
    since: Since = None,
    until: Until = None,
    least_labels: LeastLabels = 1,
    least_agreement: LeastAgreement = 0.0,
    least_probability: Annotated[
        float, typer.Option(min=0, max=1, help="Of the answer, by the model of consensus.")
    ] = 0.0,
    gold: Gold = "leave_out",
    good: Annotated[list[str] | None, typer.Option(help="Answers that are good ones.", show_default=False)] = None,
    at_least: Annotated[float | None, typer.Option(help="Good from this number on.", show_default=False)] = None,
    at_most: Annotated[float | None, typer.Option(help="Good up to this number.", show_default=False)] = None,
    each: Annotated[bool, typer.Option("--each", help="Of corrections that differ take each person's.")] = False,
    contexts: Annotated[bool, typer.Option("--contexts", help="Put documents into a system message.")] = False,
    split: Annotated[
        list[str] | None, typer.Option(help="NAME=SHARE [train=0.8 validation=0.1 test=0.1].", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another one draws other splits.")] = 0,
    near: Annotated[float, typer.Option(min=0.5, max=1, help="Prompts alike by this lie in one split.")] = 0.9,
    keep_personal: Annotated[
        bool, typer.Option("--keep-personal", help="Leave personal data as it is.")
    ] = False,
    names: Annotated[bool, typer.Option("--names", help="Name the labellers in the card.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what the files would hold.")] = False,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:  # fmt: skip
    """Training files with a data card: train.jsonl, validation.jsonl, test.jsonl, README.md, card.json, items.jsonl."""
    from server import dataset_shell, shell  # noqa: PLC0415
    from server.training import shell as told  # noqa: PLC0415

    if out is None and not dry_run:
        raise typer.BadParameter("say --out FOLDER or --out FILE.zip, or --dry-run")
    wanted: dict[str, Any] = told.selected(
        queue, field, feedback, as_time(since), as_time(until), where or [], attribute or [], labellers=labeller,
        least_labels=least_labels, least_agreement=least_agreement, least_probability=least_probability, gold=gold,
    )  # fmt: skip
    wanted |= {
        "format": of, "licence": licence, "each": each, "contexts": contexts, "seed": seed, "near": near,
        "good": {"answers": good or [], "at_least": at_least, "at_most": at_most}, "redact": not keep_personal,
        "names": names,
    }  # fmt: skip
    if split:
        wanted["splits"] = dataset_shell.shares(split)
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        if dry_run or out is None:
            card = client.training_dry_run(wanted)
        else:
            card = told.written(lambda file: client.training_data(wanted, file), out)
    if as_json:
        shell.json_lines([card])
        return
    for line in told.card_lines(card, dry_run=dry_run):
        typer.echo(line)


@training.command("dataset")
def dataset(
    queue: Queue = None,
    *,
    to: Annotated[str, typer.Option("--dataset", help="Name; it is made where there is none.")],
    field: Field = None,
    feedback: Feedback = False,
    where: Where = None,
    attribute: Attribute = None,
    since: Since = None,
    until: Until = None,
    least_labels: LeastLabels = 1,
    least_agreement: LeastAgreement = 0.0,
    gold: Gold = "leave_out",
    split: Annotated[str | None, typer.Option(help="Of these items.", show_default=False)] = None,
    redact: Annotated[bool, typer.Option("--redact", help="Replace personal data by its type.")] = False,
    note: Annotated[str, typer.Option(help="What the change is.", show_default=False)] = "",
    author: Author = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be.")] = False,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """A golden set: items of a stored dataset whose reference is what people agreed on. The same again adds nothing."""
    from server import shell  # noqa: PLC0415
    from server.training import shell as told  # noqa: PLC0415

    wanted = told.selected(
        queue, field, feedback, as_time(since), as_time(until), where or [], attribute or [],
        least_labels=least_labels, least_agreement=least_agreement, gold=gold,
    )  # fmt: skip
    wanted |= {
        "dataset": to, "split": split, "redact": redact, "note": note, "author": author, "dry_run": dry_run
    }  # fmt: skip
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.golden_set(wanted)
    if as_json:
        shell.json_lines([found])
        return
    for line in told.golden_lines(found, dry_run=dry_run):
        typer.echo(line)


@training.command("examples")
def examples(
    queue: Annotated[str, typer.Argument(help="Whose labels.")],
    *,
    field: Annotated[str, typer.Option(help="Of one choice, or a preference.")],
    where: Where = None,
    attribute: Attribute = None,
    each: Annotated[int, typer.Option(min=1, max=20, help="Of every answer.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Another one draws others.")] = 0,
    gold: Gold = "leave_out",
    keep_personal: Annotated[bool, typer.Option("--keep-personal", help="Leave personal data as it is.")] = False,
    as_yaml: Annotated[bool, typer.Option("--yaml", help="As YAML, not as a prompt tells them.")] = False,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Few-shot examples for a judge's prompt: as many of each answer, of items about which nobody differed."""
    from server import shell  # noqa: PLC0415
    from server.training import shell as told  # noqa: PLC0415

    wanted = told.selected(queue, field, False, None, None, where or [], attribute or [], gold=gold)
    wanted |= {"each": each, "seed": seed, "redact": not keep_personal}
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.few_shot(wanted)
    if as_json:
        shell.json_lines(found["examples"])
        return
    typer.echo(found["yaml" if as_yaml else "text"])
    for answer, n in found["short"].items():
        typer.echo(f"assay: {answer} has {n:,} of {each:,} examples.", err=True)


@training.command("suite")
def suite(
    queue: Annotated[str, typer.Argument(help="Whose labels.")],
    *,
    field: Annotated[str, typer.Option(help="What people answered.")],
    of: Annotated[str, typer.Option("--dataset", help="The golden set, as `assay training-data dataset` made it.")],
    version: Annotated[int | None, typer.Option(min=1, help="Default the newest.", show_default=False)] = None,
    at_least: Annotated[float, typer.Option(min=0, max=1, help="Share in which the answer must be people's.")] = 0.8,
    each: Annotated[int, typer.Option(min=0, max=20, help="Examples of every answer in the prompt.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Of the examples.")] = 0,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """A suite over a golden set, as YAML: a judge must say what people agreed on."""
    from server.training import shell as told  # noqa: PLC0415

    wanted = told.selected(queue, field, False, None, None, [], [])
    wanted |= {"dataset": of, "version": version, "at_least": at_least, "each": each, "seed": seed}
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        typer.echo(client.golden_suite(wanted), nl=False)
