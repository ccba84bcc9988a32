"""Commands over evaluation suites: check them, run them, gate a build on what comes out."""

from __future__ import annotations

import json
import logging
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from server.commands.common import ApiUrl, AsJson, DataDir, Project, app, load_settings, tracing
from server.commands.scoring import Judges, Own
from server.exit_codes import FAILURE, INTERRUPTED, USER_ERROR

evals = typer.Typer(
    short_help="Run evaluation suites; gate builds on them.",
    help="Run evaluation suites, here and in CI: exit code 1 when a gate fails, 2 when a suite cannot be run.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(evals, name="eval")

SuiteFile = Annotated[Path, typer.Argument(help="The suite's YAML file.")]
Sample = Annotated[int | None, typer.Option(min=1, help="So many items, in place of the suite's.", show_default=False)]
Repeats = Annotated[
    int | None, typer.Option(min=1, max=100, help="Answers to each item, likewise.", show_default=False)
]
Concurrency = Annotated[
    int | None, typer.Option(min=1, max=1024, help="Answers asked for at once, likewise.", show_default=False)
]


@evals.command()
def run(
    suite: SuiteFile,
    *,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of results and reports [eval-results/NAME of the suite].", show_default=False),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            help="Run to compare with, for gates that ask for it: a folder of results, a stored run's id, or latest, "
            "the newest stored one that passed.",
            show_default=False,
        ),
    ] = None,
    no_baseline: Annotated[
        bool, typer.Option("--no-baseline", help="Leave gates against a baseline undecided: there is none yet.")
    ] = False,
    judges: Judges = None,
    evaluators: Own = None,
    budget: Annotated[
        float | None, typer.Option(min=0, help="US dollars, in place of the suite's.", show_default=False)
    ] = None,
    sample: Sample = None,
    repeats: Repeats = None,
    concurrency: Concurrency = None,
    again: Annotated[
        bool, typer.Option("--again", help="Ask again for what failed in the newest run of the folder.")
    ] = False,
    reuse: Annotated[
        bool, typer.Option("--reuse", help="Take earlier answers also of a target that names no version.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget all that was answered before.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    trace: Annotated[
        bool, typer.Option("--trace", help="Send what judges do to the running server's project `judges`.")
    ] = False,
    no_store: Annotated[bool, typer.Option("--no-store", help="Do not tell the running server of the run.")] = False,
    project: Project = "default",
    as_json: AsJson = False,
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
    run_id: Annotated[str | None, typer.Option(hidden=True, help="It is this run, which was ordered.")] = None,
    folder_of: Annotated[Path | None, typer.Option(hidden=True, help="The suite's paths are relative to it.")] = None,
    earlier: Annotated[Path | None, typer.Option(hidden=True, help="Folder of what the run came to before.")] = None,
    arm_of: Annotated[str | None, typer.Option(hidden=True, help="It is an arm: JSON of id, name, arm.")] = None,
) -> None:
    """Run a suite. One that was cut off goes on where it was, and asks nothing again that was answered.

    Writes results.jsonl, summary.json, manifest.json, junit.xml, report.md and report.html, and tells the running
    server, if there is one, for its pages Runs and Suites.
    """
    if again and fresh:
        raise typer.BadParameter("--again keeps what was answered, --fresh forgets it: say one of them")
    if baseline is not None and no_baseline:
        raise typer.BadParameter("--baseline names a run, --no-baseline says that there is none: say one of them")
    from server.evals import shell as told  # noqa: PLC0415
    from server.evals import storing  # noqa: PLC0415
    from server.evals.folder import RunFolder  # noqa: PLC0415
    from server.evals.preparing import prepared, read_suite  # noqa: PLC0415
    from server.evals.running import CutOffError, Wish  # noqa: PLC0415
    from server.judging import CACHE, Files  # noqa: PLC0415

    changes = {"repeats": repeats, "concurrency": concurrency, "sample": sample}
    read = told.changed(
        read_suite(suite, folder_of), {name: value for name, value in changes.items() if value is not None}
    )
    settings = load_settings(data_dir=data_dir, api_url=api_url)
    cache = settings.data_dir / CACHE if settings.data_dir.is_dir() else None
    files = Files(judges or settings.judges_file, evaluators or settings.evaluators_file, cache, budget)
    folder = RunFolder(out or Path("eval-results") / read.suite.name)
    # What it says of programs that a Ctrl-C ended along with their event loop is no news to whoever pressed it.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    with ExitStack() as around:
        tracer = around.enter_context(tracing(data_dir=data_dir, api_url=api_url)) if trace else None
        ready = prepared(read, files, told.stores(settings, project), tracer)
        compared = None
        if baseline is not None:
            compared = storing.baseline_of(baseline, read.suite.name, settings, project, run_id)
        teller = None if no_store else around.enter_context(storing.telling(settings, project, _say))
        experiment = None if arm_of is None else json.loads(arm_of)
        wish = Wish(again, reuse, fresh, quiet, no_baseline, run_id, experiment=experiment, earlier=earlier)
        try:
            done = storing.carried_out(ready, folder, wish, compared, teller)
        except CutOffError as error:
            _say(f"assay: {error}")
            raise typer.Exit(INTERRUPTED) from error
    typer.echo(told.as_json(done) if as_json else told.text(done), nl=False)
    if done.summary["outcome"] != "passed":
        raise typer.Exit(FAILURE)


def _say(words: str) -> None:
    typer.echo(words, err=True)


@evals.command()
def check(
    suites: Annotated[list[Path], typer.Argument(help="Suites' YAML files.")],
    *,
    judges: Judges = None,
    evaluators: Own = None,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Check suites whole, with their datasets, evaluators and targets' settings, and ask nothing.

    All are checked; exit code 2 says that one of them cannot be run.
    """
    from server.evals import shell as told  # noqa: PLC0415
    from server.evals.preparing import prepared, read_suite  # noqa: PLC0415
    from server.judging import Files  # noqa: PLC0415
    from server.shell import expected  # noqa: PLC0415

    settings = load_settings(data_dir=data_dir, api_url=api_url)
    files = Files(judges or settings.judges_file, evaluators or settings.evaluators_file)
    faulty = 0
    for suite in suites:
        try:
            typer.echo(told.checked(prepared(read_suite(suite), files, told.stores(settings, project))))
        except Exception as error:
            fault = expected(error)
            if fault is None or len(suites) == 1:
                raise
            _say(f"assay: {fault[0]}")
            faulty += 1
    if faulty:
        _say(f"assay: {faulty:,} of {len(suites):,} suites cannot be run.")
        raise typer.Exit(USER_ERROR)


@evals.command()
def new(
    template: Annotated[str | None, typer.Argument(help="Its name; without one they are listed.")] = None,
    *,
    to: Annotated[Path, typer.Option(help="Folder of the copy.")] = Path(),
) -> None:
    """Copy a template of a suite, with a small dataset: it runs as it stands, and says what to fill in."""
    from server.evals import starting  # noqa: PLC0415

    typer.echo(starting.listed() if template is None else starting.told(starting.copied(template, to)), nl=False)


@evals.command()
def schema() -> None:
    """Print the JSON schema of suite files, for editors; docs/suite.schema.json is the same."""
    from server.evals.shell import schema_text  # noqa: PLC0415

    typer.echo(schema_text(), nl=False)
