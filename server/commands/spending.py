"""Commands over money: prices, budgets, invoices, and whether sums agree."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from server.commands.common import (
    ApiUrl,
    AsJson,
    DataDir,
    Project,
    Since,
    Until,
    app,
    as_time,
    by_whom,
    lines_of,
    opened,
)
from server.exit_codes import FAILURE


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
    with lines_of(file) as lines:
        rows = pricing.price_lines(lines, own, tally)
        shell.json_lines(rows) if as_json else shell.table([pricing.summary(row) for row in rows], "No lines.")
    typer.echo(tally.sentence(), err=True)
    if tally.unreadable:
        raise typer.Exit(FAILURE)


@app.command()
def prices(
    *,
    set_file: Annotated[
        Path | None, typer.Option("--set", help="Set them: a YAML file; - for standard input.", show_default=False)
    ] = None,
    version: Annotated[int | None, typer.Option(help="An earlier version.", show_default=False)] = None,
    history: Annotated[bool, typer.Option("--history", help="Versions, repricings and what they changed.")] = False,
    unpriced: Annotated[bool, typer.Option("--unpriced", help="Models whose calls have no cost.")] = False,
    author: Annotated[
        str | None, typer.Option(help="Who sets them [this user].", callback=by_whom, show_default=False)
    ] = None,
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
            report = client.set_prices(document, author)
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


@app.command()
def reprice(
    *,
    since: Since = None,
    until: Until = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why, for the audit trail.", show_default=False)] = None,
    author: Annotated[
        str | None, typer.Option(help="Who does it [this user].", callback=by_whom, show_default=False)
    ] = None,
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
        report = client.reprice(as_time(since), as_time(until), reason=reason, author=author, dry_run=dry_run)
    shell.json_lines([report]) if as_json else typer.echo(price_shell.repricing_sentence(report, done=not dry_run))


@app.command()
def budgets(
    *,
    set_file: Annotated[
        Path | None, typer.Option("--set", help="Set them: a YAML file; - for standard input.", show_default=False)
    ] = None,
    zone: Annotated[str, typer.Option(help="Time zone of the calendar month: UTC, Europe/Berlin.")] = "UTC",
    history: Annotated[bool, typer.Option("--history", help="All versions, newest first.")] = False,
    author: Annotated[
        str | None, typer.Option(help="Who sets them [this user].", callback=by_whom, show_default=False)
    ] = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """How the month goes against its budgets, or set them.

    What was spent of each, and the forecast to the month's end.
    """
    from server import budget_shell, shell  # noqa: PLC0415

    document = None if set_file is None else budget_shell.read_document(set_file)  # before any server is asked
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        if document is not None:
            report = client.set_budgets(document, author)
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
        found = integrity_shell.integrity(client, as_time(since), as_time(until))
    if as_json:
        shell.json_lines({"what": what, **row} for what, rows in found.items() for row in rows)
        return
    for what, rows in found.items():
        typer.echo(f"\n{integrity_shell.HEADINGS[what]}\n")
        shell.table([integrity_shell.shown(what, row) for row in rows], integrity_shell.NONE[what])


def _grain(text: str | None) -> str | None:
    if text not in {None, "day", "month"}:
        raise typer.BadParameter(f"{text!r} is neither day nor month.")
    return text


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
    author: Annotated[
        str | None, typer.Option(help="Who keeps it [this user].", callback=by_whom, show_default=False)
    ] = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Hold a provider's invoice against what we computed.

    By period and model. The last object of --json is the total.
    """
    from server import integrity_shell, shell  # noqa: PLC0415

    with lines_of(file) as lines:
        document = integrity_shell.read_invoice(lines.read(), str(file))
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        if keep is not None:
            client.keep_invoice(keep, document, provider, author)
        client.settle()
        found = client.reconcile(document, provider, by)
    rows = integrity_shell.reconciled(found)
    shell.json_lines(rows) if as_json else shell.table([integrity_shell.compared(row) for row in rows], "")
    typer.echo(integrity_shell.sentence(found), err=True)
