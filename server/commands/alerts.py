"""Commands over alerts: what is open, and what people do about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.commands.common import ApiUrl, AsJson, Author, DataDir, Project, app, opened

if TYPE_CHECKING:
    from server.client import Client

alerts = typer.Typer(
    short_help="See what alerts are open, and act on them.",
    help="See what alerts monitors have raised, and act on them. `assay monitor` sets what raises them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(alerts, name="alerts")
Number = Annotated[int, typer.Argument(help="Of the alert: `assay alerts list` tells it.", min=1)]
Text = Annotated[str | None, typer.Option("--text", help="What to add to its history.", show_default=False)]


@alerts.command("list")
def listed(
    *,
    state: Annotated[str, typer.Option(help="open, firing, acknowledged, resolved or all.")] = "open",
    monitor: Annotated[str | None, typer.Option(help="Of this monitor alone.", show_default=False)] = None,
    owner: Annotated[str | None, typer.Option(help="Of this owner alone.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=500)] = 100,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Alerts, the newest first."""
    from server import alert_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.alerts(state, monitor=monitor, owner=owner, limit=limit)
    if as_json:
        shell.json_lines(found["alerts"])
        return
    shell.table([alert_shell.row(one) for one in found["alerts"]], "No alert matches.")
    typer.echo(alert_shell.summary(found))


@alerts.command("show")
def show(
    number: Number,
    *,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """One alert: its verdict, all that happened, and who was told."""
    from server import alert_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.alert(number)
    if as_json:
        shell.json_lines([found])
        return
    for line in alert_shell.sentences(found):
        typer.echo(line)
    typer.echo("")
    shell.table([alert_shell.event_row(one) for one in found["events"]], "Nothing happened to it.")
    typer.echo("")
    shell.table([alert_shell.delivery_row(one) for one in found["deliveries"]], "No channel was told of it.")


@alerts.command("ack")
def ack(  # noqa: PLR0917 - typer gives them by name
    number: Number, text: Text = None, author: Author = None, project: Project = "default", data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:  # fmt: skip
    """Say that you see to it: it does not escalate."""
    _act(project, data_dir, api_url, lambda client: client.acknowledge_alert(number, author or "", text))


@alerts.command("snooze")
def snooze(  # noqa: PLR0917 - typer gives them by name
    number: Number,
    lasts: Annotated[str, typer.Option("--for", help="How long: 30m, 4h, 2d; 0 ends a snooze.")],
    text: Text = None,
    author: Author = None,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Have nothing told of it for so long; if it fires then, it is told again."""

    def act(client: Client) -> dict[str, Any]:
        if lasts == "0":
            return client.unsnooze_alert(number, author or "", text)
        return client.snooze_alert(number, author or "", lasts, text)

    _act(project, data_dir, api_url, act)


@alerts.command("own")
def own(  # noqa: PLR0917 - typer gives them by name
    number: Number,
    owner: Annotated[str, typer.Argument(help="Whose it is from now on; - for nobody's.")],
    text: Text = None,
    author: Author = None,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Give it to somebody."""
    whose = None if owner == "-" else owner
    _act(project, data_dir, api_url, lambda client: client.own_alert(number, author or "", whose, text))


@alerts.command("resolve")
def resolve(  # noqa: PLR0917 - typer gives them by name
    number: Number, text: Text = None, author: Author = None, project: Project = "default", data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:  # fmt: skip
    """Close it; whoever was told of it is told."""
    _act(project, data_dir, api_url, lambda client: client.resolve_alert(number, author or "", text))


@alerts.command("reopen")
def reopen(  # noqa: PLR0917 - typer gives them by name
    number: Number, text: Text = None, author: Author = None, project: Project = "default", data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:  # fmt: skip
    """Have a resolved one fire again."""
    _act(project, data_dir, api_url, lambda client: client.reopen_alert(number, author or "", text))


@alerts.command("note")
def note(  # noqa: PLR0917 - typer gives them by name
    number: Number,
    file: Annotated[Path, typer.Argument(help="Markdown; - for standard input.")],
    author: Author = None,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Set its post-mortem note; earlier ones stay in its history."""
    from server.commands.common import lines_of  # noqa: PLC0415

    with lines_of(file) as lines:
        text = lines.read().decode("utf-8")
    _act(project, data_dir, api_url, lambda client: client.note_alert(number, author or "", text))


def _act(project: str, data_dir: Path | None, api_url: str | None, act: Callable[[Client], dict[str, Any]]) -> None:
    from server import alert_shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = act(client)
    typer.echo(alert_shell.sentences(found)[0])
