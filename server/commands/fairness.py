"""`assay fairness`: whether groups of people are answered and served alike."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.commands.common import ApiUrl, AsJson, DataDir, Project, Since, Until, app, lines_of, opened, window
from server.commands.scoring import Judges, Own
from server.exit_codes import FAILURE

if TYPE_CHECKING:
    from evaluators.counterfactual.swaps import Terms
    from evaluators.targets.answer import Target
    from server.judging import Bench

fairness = typer.Typer(
    short_help="Whether groups of people are answered and served alike.",
    help="Whether groups are treated alike: the same questions about other groups, or slices of logged traffic.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(fairness, name="fairness")
TermsFile = Annotated[
    Path | None, typer.Option(help="Your list of terms, as --show-terms of `swap` prints one.", show_default=False)
]
Axes = Annotated[
    list[str] | None, typer.Option("--axis", help="Swap this axis only, such as gender; repeat.", show_default=False)
]


@fairness.command("swap")
def fairness_swap(
    file: Annotated[
        Path | None, typer.Argument(help="JSON lines of questions; - for standard input.", show_default=False)
    ] = None,
    *,
    terms: TermsFile = None,
    axis: Axes = None,
    show_terms: Annotated[bool, typer.Option("--show-terms", help="Print the list of terms, to be edited.")] = False,
) -> None:
    """Write each question about other groups, a JSON line a form.

    Lines are {id, axis, source, target, question, variant}. Terms of the list are put in each other's place.
    """
    from server import fairness as swapping  # noqa: PLC0415
    from server import shell  # noqa: PLC0415

    if show_terms:
        typer.echo(swapping.terms_text(terms), nl=False)
        return
    if file is None:
        raise typer.BadParameter("name a file of questions, or - for standard input")
    counts = swapping.Counts()
    known = _terms(terms, axis)
    with lines_of(file) as lines:
        shell.json_lines(swapping.swapped_rows(lines, known, axis or None, counts))
    typer.echo(swapping.swapped_sentence(counts), err=True)
    if counts.unreadable:
        raise typer.Exit(FAILURE)


@fairness.command("ask")
def fairness_ask(
    file: Annotated[Path, typer.Argument(help="Questions, lines of `swap`, or answered ones; - for stdin.")],
    *,
    judges: Judges = None,
    model: Annotated[
        str | None, typer.Option(help="Ask this model of the file of judges [the first].", show_default=False)
    ] = None,
    system: Annotated[Path | None, typer.Option(help="File of the system prompt.", show_default=False)] = None,
    command: Annotated[
        str | None,
        typer.Option(help="Ask this program: it reads lines {id, question}, writes {id, answer}.", show_default=False),
    ] = None,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Of the program, asked at once.")] = 1,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds that the program has for an answer.")] = 60,
    quality: Annotated[
        str | None, typer.Option(help="Evaluator of the answers, such as answer_relevance.", show_default=False)
    ] = None,
    evaluators: Own = None,
    terms: TermsFile = None,
    axis: Axes = None,
    budget: Annotated[float | None, typer.Option(min=0, help="US dollars to spend.", show_default=False)] = None,
    calls: Annotated[int | None, typer.Option(min=0, help="Calls of models to make.", show_default=False)] = None,
    cache: Annotated[
        Path | None, typer.Option(help="File in which models' answers are kept, and sought first.", show_default=False)
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option(help="File that remembers this run: started again, it goes on where it was.", show_default=False),
    ] = None,
    answers: Annotated[
        Path | None, typer.Option(help="Write the answers here, as lines to compare again.", show_default=False)
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=1024, help="Answers that are awaited at once.")] = 8,
    as_json: AsJson = False,
) -> None:
    """Ask questions about several groups, and compare the answers.

    Each question and its swapped forms are asked; refusal, length, sentiment and, where asked for, quality compared.
    Lines with `original` and `swapped` are answered already. A failure of the target is counted, and no answer.
    """
    from server import fairness as asking  # noqa: PLC0415
    from server import fairness_shell, judging, shell  # noqa: PLC0415

    bench = judging.bench(judging.Files(judges, evaluators, cache, budget, calls))
    way = asking.Way(
        _target(bench, model, command, timeout, processes, with_judges=judges is not None),
        None if quality is None else bench.make(quality, {}),
        None if system is None else asking.read_text(system),
        concurrency,
        journal,
        answers,
    )
    with lines_of(file) as lines:
        found = asking.compared(lines, _terms(terms, axis), axis or None, way)
    if as_json:
        shell.json_lines([found])
    else:
        _tell(fairness_shell.asked_sentences(found), fairness_shell.asked_rows(found), found["limits"])
    if found["failed"] or found["unreadable"]:
        raise typer.Exit(FAILURE)


@fairness.command("parity")
def fairness_parity(
    *,
    by: Annotated[
        str,
        typer.Option(
            help="What tells groups apart: user, session, model, provider, service, environment, release, prompt, "
            "variant, tool or tag."
        ),
    ],
    measure: Annotated[
        str, typer.Option(help="failed, duration, ttft, cost (of a trace), refusal, or the name of a score.")
    ],
    label: Annotated[
        str | None, typer.Option(help="Of a score: compare the share of this label.", show_default=False)
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(help="Rows depend on one another within: user, session, trace [the widest].", show_default=False),
    ] = None,
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", help="NAME=VALUE, such as model=gpt-4o or kind=llm; repeat.", show_default=False),
    ] = None,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Compare each group of logged traffic with all others.

    By a score, refusals, failures, latency or cost, with intervals; the 100 groups with most traffic are shown.
    """
    from server import fairness_shell  # noqa: PLC0415
    from server.shell import json_lines  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.parity(
            by, measure, label=label, cluster=cluster, **window(since, until), **_filters(filters or [])
        )
    if as_json:
        json_lines([found])
    else:
        _tell(fairness_shell.parity_sentences(found), fairness_shell.parity_rows(found), found["limits"])


def _filters(told: Sequence[str]) -> dict[str, str]:
    found = dict(one.partition("=")[::2] for one in told)
    if not all(found.values()) or not all(found):
        raise typer.BadParameter("a filter is NAME=VALUE, such as model=gpt-4o")
    return found


def _tell(sentences: Sequence[str], rows: Sequence[dict[str, Any]], limits: Sequence[str]) -> None:
    from server import shell  # noqa: PLC0415

    for sentence in sentences:
        typer.echo(sentence)
    if rows:
        typer.echo()
        shell.table(rows, "")
    typer.echo("\nLimits:")
    for sentence in limits:
        typer.echo(f"- {sentence}")


def _terms(file: Path | None, axes: Sequence[str] | None) -> Terms:
    from server import fairness as swapping  # noqa: PLC0415

    return swapping.terms_of(file, axes or ())


def _words(command: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise typer.BadParameter(f"{command!r} is no command: {error}") from error
    if not words:
        raise typer.BadParameter("the command names no program")
    return words


def _target(
    bench: Bench, model: str | None, command: str | None, timeout_s: float, processes: int, *, with_judges: bool
) -> Target | None:
    """What is asked; null: nothing, as the lines are answered."""
    from evaluators.targets.config import CommandSettings  # noqa: PLC0415
    from evaluators.targets.model import as_target  # noqa: PLC0415

    if command is not None:
        if model is not None:
            raise typer.BadParameter("ask a model or a program, not both")
        told = CommandSettings(run=_words(command), timeout_s=timeout_s, processes=processes)
        return told.make(Path.cwd())
    if not with_judges and model is None:
        return None
    return as_target(bench.judge(model, "assay fairness ask"))
