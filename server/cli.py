"""The command `assay`. Commands import what they need when they run, so that `--help` is instant."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from server.exit_codes import FAILURE, USER_ERROR

if TYPE_CHECKING:
    from server.client import Client
    from server.settings import Settings

app = typer.Typer(
    help="Assayline: traces of LLM applications in, nothing lost, checks and comparisons out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _time(text: str | None) -> datetime | None:
    from server.when import parse_time  # noqa: PLC0415

    try:
        return None if text is None else parse_time(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _grain(text: str | None) -> str | None:
    if text not in {None, "day", "month"}:
        raise typer.BadParameter(f"{text!r} is neither day nor month.")
    return text


DataDir = Annotated[Path | None, typer.Option(help="Folder of the store [ASSAY_DATA_DIR].", show_default=False)]
Host = Annotated[str | None, typer.Option(help="Address to bind to [ASSAY_HOST].", show_default=False)]
OtlpHttpPort = Annotated[int | None, typer.Option(help="OTLP/HTTP [ASSAY_OTLP_HTTP_PORT].", show_default=False)]
OtlpGrpcPort = Annotated[int | None, typer.Option(help="OTLP/gRPC [ASSAY_OTLP_GRPC_PORT].", show_default=False)]
ApiPort = Annotated[int | None, typer.Option(help="HTTP API [ASSAY_API_PORT].", show_default=False)]
AppPort = Annotated[int | None, typer.Option(help="Streamlit app [ASSAY_APP_PORT].", show_default=False)]
ApiUrl = Annotated[str | None, typer.Option(help="Server to ask [ASSAY_API_URL].", show_default=False)]
Project = Annotated[str, typer.Option(help="Name of the project.")]
Since = Annotated[
    str | None, typer.Option(help="From this time on: 2026-11-24T09:00Z, 24h, 7d.", callback=_time, show_default=False)
]
Until = Annotated[str | None, typer.Option(help="Before this time.", callback=_time, show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line, and nothing else.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Comma-separated values.")]


def load_settings(**flags: object) -> Settings:
    """Settings with flags over environment over file. Raises what `main` knows how to tell.

    A variable that is no setting is told and no error: it may be another program's.
    """
    from server.settings import Settings, unknown_variables  # noqa: PLC0415

    for sentence in unknown_variables(os.environ):
        typer.echo(f"assay: {sentence}", err=True)
    return Settings(**{name: value for name, value in flags.items() if value is not None})  # type: ignore[arg-type]  # checked by pydantic


@contextmanager
def opened(project: str = "default", **flags: object) -> Iterator[Client]:
    """The store's API, from the running server or over the file."""
    from server.door import door  # noqa: PLC0415

    with door(load_settings(**flags), project) as client:
        yield client


@app.command()
def serve(
    *,
    data_dir: DataDir = None,
    host: Host = None,
    otlp_http_port: OtlpHttpPort = None,
    otlp_grpc_port: OtlpGrpcPort = None,
    api_port: ApiPort = None,
) -> None:
    """Run the server alone: OTLP receivers and the API. Ctrl-C finishes what is in flight; twice stops at once."""
    settings = load_settings(
        data_dir=data_dir, host=host, otlp_http_port=otlp_http_port, otlp_grpc_port=otlp_grpc_port, api_port=api_port
    )
    from server.process import serve as run  # noqa: PLC0415
    from server.shell import addresses  # noqa: PLC0415

    run(settings, lambda note: typer.echo("\n".join(addresses(note))))
    # All is closed and on disk. The interpreter's own end would only take time, and complain of DuckDB's types.
    sys.stdout.flush()
    os._exit(0)


@app.command()
def up(
    *,
    data_dir: DataDir = None,
    host: Host = None,
    otlp_http_port: OtlpHttpPort = None,
    otlp_grpc_port: OtlpGrpcPort = None,
    api_port: ApiPort = None,
    app_port: AppPort = None,
    demo: Annotated[bool, typer.Option(help="Load the sample data once the server answers.")] = False,
) -> None:
    """Run server and app, restart what dies, stop all on Ctrl-C."""
    settings = load_settings(
        data_dir=data_dir,
        host=host,
        otlp_http_port=otlp_http_port,
        otlp_grpc_port=otlp_grpc_port,
        api_port=api_port,
        app_port=app_port,
    )
    from server.supervisor import Supervisor  # noqa: PLC0415

    raise typer.Exit(Supervisor(settings, demo=demo).run())


@app.command()
def totals(
    *,
    since: Since = None,
    until: Until = None,
    trace_id: Annotated[str | None, typer.Option(help="Only this trace; 32 hex digits.", show_default=False)] = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Calls, tool executions, tokens and cost of each trace.

    What a provider's bill is reconciled with.
    """
    from server import shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        rows = client.totals_lines(_as_time(since), _as_time(until), trace_id, _say_unsettled)
        shell.json_lines(rows) if as_json else shell.table(list(rows), "No traces in this window.")


def _say_unsettled(why: str) -> None:
    typer.echo(f"assay: these totals are not whole. {why}", err=True)


@app.command()
def ledger(
    *,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """What came in and what became of it, per hour and source.

    received = stored + duplicate + rejected. Hours are told whole: those that --since and --until lie in too.
    """
    from server import shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        rows = client.ledger(_as_time(since), _as_time(until))
    empty = "Nothing was received in these hours." if since or until else "Nothing was received yet."
    shell.json_lines(rows) if as_json else shell.table(rows, empty)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="New, empty, or of an earlier export, whose files are replaced.")],
    *,
    since: Since = None,
    until: Until = None,
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Write every table as Parquet, as of one moment.

    Of all projects; ingest goes on meanwhile.
    """
    with opened(data_dir=data_dir, api_url=api_url) as client:
        manifest = client.export(str(folder.resolve()), _as_time(since), _as_time(until))
    rows = sum(table["rows"] for table in manifest["tables"].values())
    typer.echo(f"{rows} rows of {len(manifest['tables'])} tables are in {folder}")


@app.command()
def sql(
    query: Annotated[str | None, typer.Argument(help="One SELECT; none: a prompt.", show_default=False)] = None,
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Ask in SQL, read-only: no files, no writes, a time limit. Without QUERY a prompt opens."""
    from server import sqlshell  # noqa: PLC0415

    form: sqlshell.Form = "json" if as_json else "csv" if as_csv else "table"
    with opened(data_dir=data_dir, api_url=api_url) as client:
        if query is not None:
            sqlshell.answer(client, query, form)
        elif not sqlshell.prompt(client, form):
            raise typer.Exit(USER_ERROR)


@app.command()
def price(
    file: Annotated[Path, typer.Argument(help="JSON lines of calls with their usage; - for standard input.")],
    *,
    prices: Annotated[
        Path | None, typer.Option(help="Own prices, YAML; they go before the list prices.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add its cost to each line of recorded usage.

    In US dollars, by the prices of its day, with a breakdown.
    """
    from server import pricing, shell  # noqa: PLC0415

    own = [] if prices is None else pricing.read_own_prices(prices)
    tally = pricing.Tally()
    with _lines(file) as lines:
        rows = pricing.price_lines(lines, own, tally)
        shell.json_lines(rows) if as_json else shell.table([pricing.summary(row) for row in rows], "No lines.")
    typer.echo(tally.sentence(), err=True)
    if tally.unreadable:
        raise typer.Exit(FAILURE)


@contextmanager
def _lines(file: Path) -> Iterator[IO[bytes]]:
    if str(file) == "-":
        yield sys.stdin.buffer
        return
    try:
        opened_file = file.open("rb")
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}") from error
    with opened_file:
        yield opened_file


@app.command()
def prices(
    *,
    set_file: Annotated[
        Path | None, typer.Option("--set", help="Set them: a YAML file; - for standard input.", show_default=False)
    ] = None,
    version: Annotated[int | None, typer.Option(help="An earlier version.", show_default=False)] = None,
    history: Annotated[bool, typer.Option("--history", help="Versions, repricings and what they changed.")] = False,
    unpriced: Annotated[bool, typer.Option("--unpriced", help="Models whose calls have no cost.")] = False,
    author: Annotated[str | None, typer.Option(help="Who sets them [this user].", show_default=False)] = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Print a project's own prices as YAML, or set them.

    They go before the list prices, and price new calls; stored ones: see `reprice`.
    """
    from server import price_shell, shell  # noqa: PLC0415

    document = None if set_file is None else price_shell.read_document(set_file)  # before any server is asked
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        if document is not None:
            report = client.set_prices(document, author or price_shell.this_user())
            shell.json_lines([report]) if as_json else typer.echo(price_shell.prices_sentence(report))
        elif history:
            rows = price_shell.history(client)
            shell.json_lines(rows) if as_json else shell.table(
                rows, "No own prices were ever set, and no call was repriced."
            )
        elif unpriced:
            rows = price_shell.unpriced(client)
            shell.json_lines(rows) if as_json else shell.table(rows, "Every call that tells its usage has a cost.")
        else:
            found = client.prices(version)
            if as_json:
                shell.json_lines([found])
            elif found["document"]:
                typer.echo(found["document"], nl=not found["document"].endswith("\n"))
            else:
                typer.echo("No own prices are set; the list prices count. `--set own.yaml` sets some.", err=True)


whatif = typer.Typer(
    short_help="What a cache, other models or the hardware come to.",
    help="What a cache, other models or the hardware come to: of stored calls, or of a FILE without a store.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(whatif, name="whatif")
Calls = Annotated[
    Path | None, typer.Argument(help="JSON lines of calls, see README; - for standard input.", show_default=False)
]


@whatif.command("caching")
def whatif_caching(
    file: Calls = None,
    *,
    ttl: Annotated[float, typer.Option(min=1, help="Seconds that an answer or prefix is kept.")] = 300,
    similarity: Annotated[float, typer.Option(min=0.5, max=1, help="From which a near repeat is one.")] = 0.9,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Exact repeats, shared prefixes, near repeats: what caching them would have saved, and the risk of false hits."""
    from server import shell, whatif_shell  # noqa: PLC0415

    if file is not None:
        from datetime import timedelta  # noqa: PLC0415

        from server.whatif import caching, lines  # noqa: PLC0415

        with _lines(file) as told:
            found = lines.caching_report(lines.read(told, []), [], caching.Options(timedelta(seconds=ttl), similarity))
    else:
        with opened(project, data_dir=data_dir, api_url=api_url) as client:
            found = client.whatif("caching", **_window(since, until), ttl_s=ttl, similarity=similarity)
    if as_json:
        shell.json_lines([found])
        return
    typer.echo(whatif_shell.caching_sentence(found))
    shell.table(whatif_shell.caching_rows(found), "")


@whatif.command("routing")
def whatif_routing(
    file: Calls = None,
    *,
    score: Annotated[
        str | None, typer.Option(help="Name of the score [the one with most].", show_default=False)
    ] = None,
    lower: Annotated[bool, typer.Option("--lower-is-better", help="Of the score.")] = False,
    margin: Annotated[float, typer.Option(min=0, help="Loss of mean score that is still no worse.")] = 0.05,
    input_tokens: Annotated[str, typer.Option(help="Tokens of input from which a call is a level up.")] = "1000,8000",
    turn: Annotated[str, typer.Option(help="Model calls before it in its trace, likewise.")] = "3,10",
    tools: Annotated[str, typer.Option(help="Tools that were offered, likewise.")] = "1",
    topics: Annotated[
        int, typer.Option(min=0, max=20, help="Part levels by what calls are about, into so many topics at most.")
    ] = 0,
    as_yaml: Annotated[bool, typer.Option("--yaml", help="The policy as YAML, and nothing else.")] = False,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Groups of calls moved to another model: what that would have saved, and done to quality."""
    from server import shell, whatif_shell  # noqa: PLC0415

    better = "lower" if lower else "higher"
    steps = {"input_tokens": input_tokens, "turn": turn, "tools": tools}
    if file is not None:
        from server.whatif import lines, routing  # noqa: PLC0415

        try:
            measure = {name: routing.thresholds(text, name) for name, text in steps.items()}
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        with _lines(file) as told:
            found = lines.routing_report(
                lines.read(told, []),
                [],
                routing.Options(score, "lower" if lower else "higher", margin, measure, topics),
            )
    else:
        with opened(project, data_dir=data_dir, api_url=api_url) as client:
            found = client.whatif(
                "routing", **_window(since, until), score=score, better=better, margin=margin, topics=topics, **steps
            )
    if as_yaml:
        typer.echo(found["policy_yaml"], nl=False)
    elif as_json:
        shell.json_lines([found])
    else:
        typer.echo(whatif_shell.routing_sentence(found))
        if found["topics"]:
            shell.table(whatif_shell.topic_rows(found["topics"]), "No topics can be told apart.")
        shell.table(whatif_shell.routing_rows(found), "No two models served calls.")


@whatif.command("carbon")
def whatif_carbon(
    file: Calls = None,
    *,
    zone: Annotated[
        str, typer.Option(help="Where electricity comes from: FRA, USA, WOR, ..., or as EcoLogits assumes.")
    ] = "provider",
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Energy and emissions of model calls by month and model, as ranges with their source and assumptions."""
    from server import shell, whatif_shell  # noqa: PLC0415

    if file is not None:
        from server.whatif import lines  # noqa: PLC0415

        with _lines(file) as told:
            found = lines.carbon_report(lines.read(told, []), zone)
    else:
        with opened(project, data_dir=data_dir, api_url=api_url) as client:
            found = client.whatif("carbon", **_window(since, until), zone=zone)
    if as_json:
        shell.json_lines([found])
        return
    typer.echo(whatif_shell.carbon_sentence(found))
    shell.table(whatif_shell.carbon_rows(found), "No model calls.")


def _window(since: Any, until: Any) -> dict[str, datetime]:
    """All of time, where it is not bounded."""
    from server.price_shell import EARLIEST, LATEST  # noqa: PLC0415

    return {"since": _as_time(since) or EARLIEST, "until": _as_time(until) or LATEST}


@app.command()
def reprice(
    *,
    since: Since = None,
    until: Until = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why, for the audit trail.", show_default=False)] = None,
    author: Annotated[str | None, typer.Option(help="Who does it [this user].", show_default=False)] = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Price stored calls anew by the prices of now.

    Of traces that started from --since on. The old figures are kept.
    """
    from server import price_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        report = client.reprice(
            _as_time(since), _as_time(until), reason=reason, author=author or price_shell.this_user(), dry_run=dry_run
        )
    shell.json_lines([report]) if as_json else typer.echo(price_shell.repricing_sentence(report, done=not dry_run))


@app.command()
def budgets(
    *,
    set_file: Annotated[
        Path | None, typer.Option("--set", help="Set them: a YAML file; - for standard input.", show_default=False)
    ] = None,
    zone: Annotated[str, typer.Option(help="Time zone of the calendar month: UTC, Europe/Berlin.")] = "UTC",
    history: Annotated[bool, typer.Option("--history", help="All versions, newest first.")] = False,
    author: Annotated[str | None, typer.Option(help="Who sets them [this user].", show_default=False)] = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """How the month goes against its budgets, or set them.

    What was spent of each, and the forecast to the month's end.
    """
    from server import budget_shell, price_shell, shell  # noqa: PLC0415

    document = None if set_file is None else budget_shell.read_document(set_file)  # before any server is asked
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        if document is not None:
            report = client.set_budgets(document, author or price_shell.this_user())
            shell.json_lines([report]) if as_json else typer.echo(budget_shell.sentence(report))
            return
        client.settle()
        rows = client.rows("budget_versions") if history else budget_shell.rows(client.budgets(zone))
    none = "No budgets are set. Set them with `assay budgets --set budgets.yaml`."
    told = rows if as_json or history else [budget_shell.shown(row) for row in rows]
    shell.json_lines(told) if as_json else shell.table(told, none)


@app.command()
def integrity(
    *,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Whether the costs that senders reported agree with ours.

    By model, with the likely cause; and what no sum counts or knows. Objects of --json say in `what` of which they are:
    reported, excluded, untold, unpriced.
    """
    from server import integrity_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = integrity_shell.integrity(client, _as_time(since), _as_time(until))
    if as_json:
        shell.json_lines({"what": what, **row} for what, rows in found.items() for row in rows)
        return
    for what, rows in found.items():
        typer.echo(f"\n{integrity_shell.HEADINGS[what]}\n")
        shell.table([integrity_shell.shown(what, row) for row in rows], integrity_shell.NONE[what])


@app.command()
def reconcile(
    file: Annotated[Path, typer.Argument(help="An invoice or export of costs, CSV; - for standard input.")],
    *,
    provider: Annotated[
        str | None,
        typer.Option(help="Who billed; '' for anyone [as the columns tell, else anyone].", show_default=False),
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="day or month [as the invoice has it].", callback=_grain, show_default=False)
    ] = None,
    keep: Annotated[
        str | None, typer.Option(help="Keep it under this name, so that the app shows it.", show_default=False)
    ] = None,
    author: Annotated[str | None, typer.Option(help="Who keeps it [this user].", show_default=False)] = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Hold a provider's invoice against what we computed.

    By period and model. The last object of --json is the total.
    """
    from server import integrity_shell, price_shell, shell  # noqa: PLC0415

    with _lines(file) as lines:
        document = integrity_shell.read_invoice(lines.read(), str(file))
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        if keep is not None:
            client.keep_invoice(keep, document, provider, author or price_shell.this_user())
        client.settle()
        found = client.reconcile(document, provider, by)
    rows = integrity_shell.reconciled(found)
    shell.json_lines(rows) if as_json else shell.table([integrity_shell.compared(row) for row in rows], "")
    typer.echo(integrity_shell.sentence(found), err=True)


@app.command()
def renormalise(*, as_json: AsJson = False, data_dir: DataDir = None, api_url: ApiUrl = None) -> None:
    """Derive the columns of stored spans anew.

    From their attributes, after an update that understands more.
    """
    from server import shell  # noqa: PLC0415

    with opened(data_dir=data_dir, api_url=api_url) as client:
        report = client.renormalise()
    sentence = f"{report['changed']} of {report['spans']} spans changed; traces and totals are derived anew."
    shell.json_lines([report]) if as_json else typer.echo(sentence)


@app.command()
def projects(
    *,
    add: Annotated[str | None, typer.Option(help="Make a project of this name.", show_default=False)] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """List the projects, or make one. Senders name theirs in the header x-assayline-project."""
    from server import shell  # noqa: PLC0415

    with opened(data_dir=data_dir, api_url=api_url) as client:
        rows = [client.add_project(add)] if add is not None else client.projects()
    shell.json_lines(rows) if as_json else shell.table(rows, "No projects.")


@app.command()
def status(*, as_json: AsJson = False, data_dir: DataDir = None, api_url: ApiUrl = None) -> None:
    """What the server is doing, and how far the data has come.

    Counters, queue, disk. Without a server: what the file says.
    """
    from server import shell  # noqa: PLC0415

    with opened(data_dir=data_dir, api_url=api_url) as client:
        found = client.status()
    if as_json:
        shell.json_lines([found])
        return
    if not found["running"]:
        typer.echo(f"No server runs on {found['data_dir']}; this is what the file says.")
    shell.facts(found)


@app.command()
def settings(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Every setting, its meaning, and where its value came from."""
    from server import shell  # noqa: PLC0415

    rows = shell.settings_rows(load_settings(data_dir=data_dir), {"data_dir"} if data_dir else set())
    shell.json_lines(rows) if as_json else shell.table(rows, "")


@app.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as version_of  # noqa: PLC0415

    typer.echo(version_of("assayline"))


def _as_time(value: Any) -> datetime | None:
    """The option's callback has made it a time already; typer only knows it as text."""
    return value if isinstance(value, datetime) else None


def main() -> None:
    """Run a command; an expected error is one sentence on standard error."""
    try:
        app()
    except Exception as error:
        from server.shell import expected  # noqa: PLC0415

        told = expected(error)
        if told is None:
            raise
        sentence, code = told
        typer.echo(f"assay: {sentence}", err=True)
        sys.exit(code)


if __name__ == "__main__":
    main()
