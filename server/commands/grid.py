"""`assay eval grid`: a suite with something varied, run arm by arm and compared."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.commands.common import ApiUrl, AsJson, DataDir, Project, load_settings, opened
from server.commands.evals import Concurrency, Repeats, Sample, evals
from server.commands.scoring import Judges, Own
from server.exit_codes import FAILURE, INTERRUPTED

if TYPE_CHECKING:
    from server.evals.arms import Ended, Grid
    from server.settings import Settings

_FAULTS = 5  # arms of which it is told why they failed


@evals.command("grid")
def grid(
    suite: Annotated[Path | None, typer.Argument(help="The suite's YAML file.", show_default=False)] = None,
    *,
    over: Annotated[
        list[str] | None,
        typer.Option(
            help="PATH=VALUE,VALUE: what is varied, as model=a,b, prompt=1,2, temperature=0,0.7, repeats=1,4, "
            "dataset.version=3, or a path in the suite with dots. A value with a comma: a JSON list. Repeat: all "
            "combinations are run.",
            show_default=False,
        ),
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="In place of a file: a stored run, with its text, its options and the versions that it read. Its "
            "paths are relative to this folder.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Of the experiment [of the suite and what is varied].", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of results; those of an arm in `arms` [eval-results/NAME].", show_default=False),
    ] = None,
    judges: Judges = None,
    evaluators: Own = None,
    budget: Annotated[
        float | None,
        typer.Option(min=0, help="US dollars for all arms together; each may cost what is left.", show_default=False),
    ] = None,
    sample: Sample = None,
    repeats: Repeats = None,
    concurrency: Concurrency = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Run all arms anew, also those that have ended.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    no_store: Annotated[bool, typer.Option("--no-store", help="Do not tell the running server of the runs.")] = False,
    project: Project = "default",
    as_json: AsJson = False,
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Run a suite once for each combination of what is varied, one run after other, and compare them.

    Arms are checked before anything is asked. A grid that was cut off goes on where it was. Versions of a stored
    dataset or prompt that are left open are those of now, in all arms. Gates against a baseline are left open. Exit
    code 1: the gates of an arm fail, or nothing of the budget was left for one.
    """
    if (suite is None) == (from_ is None):
        raise typer.BadParameter("name a suite's file, or a stored run by --from: one of them")
    from server.evals import arms, shell, storing  # noqa: PLC0415
    from server.evals.grid import MOST_TOGETHER  # noqa: PLC0415
    from server.evals.running import CutOffError, Wish  # noqa: PLC0415
    from server.judging import CACHE, Files  # noqa: PLC0415

    settings = load_settings(data_dir=data_dir, api_url=api_url)
    given = {"repeats": repeats, "sample": sample, "concurrency": concurrency}
    changes = {key: value for key, value in given.items() if value is not None}
    made = _grid(settings, project, (suite, from_), over or [], name, out, changes)
    cache = settings.data_dir / CACHE if settings.data_dir.is_dir() else None
    files = Files(judges or settings.judges_file, evaluators or settings.evaluators_file, cache)
    stores = arms.once(shell.stores(settings, project))
    arms.check(made, files, stores)
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # as `eval run` does
    say = _quiet if quiet else _say
    ended: list[Ended] = []
    with ExitStack() as around:

        def tell(_: object) -> storing.Teller | None:
            return None if no_store else around.enter_context(storing.telling(settings, project, _say))

        experiment = made.begun(fresh=fresh)
        wish = Wish(quiet=quiet)
        try:
            ended.extend(arms.carry_out(made, experiment, wish, files, stores, budget, tell, say))
        except CutOffError as error:
            _say(f"assay: {error}")
            raise typer.Exit(INTERRUPTED) from error
    compared = arms.compared(ended, MOST_TOGETHER)
    if as_json:
        told = {"experiment_id": experiment.hex, "name": made.name, "arms": [_row(one) for one in ended]}
        pairs = [] if compared is None else compared["pairs"]
        typer.echo(json.dumps(told | {"pairs": pairs}, ensure_ascii=False))
    else:
        _tell(made, ended, compared)
    if any(one.outcome != "passed" for one in ended):
        raise typer.Exit(FAILURE)


def _grid(  # noqa: PLR0917 - what the command line says
    settings: Settings, project: str, of: tuple[Path | None, str | None], over: Sequence[str], name: str | None,
    out: Path | None, changes: Mapping[str, int],
) -> Grid:  # fmt: skip
    from server import experiments  # noqa: PLC0415
    from server.evals import arms  # noqa: PLC0415
    from server.evals import grid as grids  # noqa: PLC0415
    from server.evals.preparing import MAX_SUITE, SuiteError, read_suite  # noqa: PLC0415
    from server.yaml_lines import parsed  # noqa: PLC0415

    varied, (file, run_id) = grids.read_over(over), of
    twice = next((key for key, path in experiments.VARIED_AS.items() if path in varied and key in changes), None)
    if twice is not None:
        path = experiments.VARIED_AS[twice]
        raise typer.BadParameter(f"{path} is varied by --over, and set by --{twice}: say one of them")
    if file is not None:
        read = read_suite(file)
        text, origin, base, again = read.text, str(file), read.folder, experiments.Again()
    else:
        with opened(project, data_dir=settings.data_dir, api_url=settings.api_url) as client:
            run = client.run(str(run_id))
        again = experiments.again_of(run)
        text, origin, base = run["document"], f"run {run_id}", Path.cwd()
        free = {key: value for key, value in again.wish.items() if experiments.VARIED_AS.get(key) not in varied}
        kept = {key: value for key, value in free.items() if isinstance(value, int)}
        changes = kept | dict(changes)
    told = parsed(text, origin, MAX_SUITE, SuiteError)
    wanted = arms.projects_of(told) if isinstance(told, dict) else set()
    newest = arms.newest_of(settings, project, {*wanted, *([None] if "prompt" in varied else [])})
    made = grids.arms(text, origin, varied, newest, again.set)
    called = str(told["suite"])
    return arms.Grid(
        name or experiments.name_of(called, varied), called, made, out or Path("eval-results") / called, base, origin,
        changes, varied, again.arm,
    )  # fmt: skip


def _row(one: Ended) -> dict[str, Any]:
    summary = one.summary or {}
    return {
        "run_id": one.run_id, "name": one.arm.name, "arm": one.arm.values, "outcome": one.outcome,
        "items": summary.get("items"), "answers": summary.get("answers"), "cost_usd": one.cost_usd,
        "sentences": summary.get("sentences", []), "folder": str(one.folder),
    }  # fmt: skip


def _line(one: Ended, suite: str) -> dict[str, Any]:
    summary, cost = one.summary or {}, one.cost_usd
    return {
        "arm": one.arm.name or suite, "outcome": one.outcome, "items": summary.get("items"),
        "answers": summary.get("answers"), "usd": None if cost is None else round(cost, 6), "folder": one.folder.name,
    }  # fmt: skip


def _tell(made: Grid, ended: Sequence[Ended], compared: dict[str, Any] | None) -> None:
    from server import shell  # noqa: PLC0415
    from server.compare.told import sentences_of  # noqa: PLC0415

    typer.echo(f"{made.name}\n")
    rows = [_line(one, made.suite) for one in ended]
    shell.table(rows, "")
    typer.echo()
    for sentence in [] if compared is None else sentences_of(compared, few=True):
        typer.echo(sentence)
    left = sum(one.manifest is not None for one in ended) - (0 if compared is None else len(compared["variants"]))
    if compared is not None and left > 0:
        typer.echo(
            f"- The first {len(compared['variants'])} arms are compared; compare others by `assay eval compare`."
        )
    if any(one.manifest is None for one in ended):
        typer.echo("- Nothing of the budget was left for the arms that were not begun. Say a larger --budget.")
    for line in _faults(ended, made.suite):
        typer.echo(line)
    typer.echo(f"Results: {made.folder / 'arms'}")


def _faults(ended: Sequence[Ended], suite: str) -> list[str]:
    """Why arms failed, a line for each, the first few."""
    failed = [one for one in ended if one.outcome == "failed" and one.summary is not None]
    said = [
        f"- {one.arm.name or suite} failed: {' '.join(one.summary['sentences'][:1])}"
        for one in failed[:_FAULTS]
        if one.summary is not None
    ]
    left = len(failed) - len(said)
    return [*said, *([f"- And {left:,} more arms failed; their reports say why."] if left else [])]


def _say(words: str) -> None:
    typer.echo(words, err=True)


def _quiet(_: str) -> None:
    return
