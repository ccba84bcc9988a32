"""Commands over channels: whom alerts are told to, and whether it arrives."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from server.commands.common import ApiUrl, AsJson, Author, DataDir, Project, app, opened
from server.exit_codes import FAILURE

channels = typer.Typer(
    short_help="Say whom alerts are told to.",
    help="Say whom alerts are told to, and see whether it arrived. A running server delivers.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(channels, name="channels")
Name = Annotated[str, typer.Argument(help="Of the channel: `assay channels list` tells it.")]
UrlFile = Annotated[
    Path | None, typer.Option(help="File with the address in its first line; - for standard input.", show_default=False)
]
SecretFile = Annotated[
    Path | None, typer.Option(help="File with the key that webhooks are signed with.", show_default=False)
]


@channels.command("list")
def listed(
    *, as_json: AsJson = False, project: Project = "default", data_dir: DataDir = None, api_url: ApiUrl = None
) -> None:
    """The project's channels, by name. Addresses are never shown."""
    from server import alert_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.channels()
    none = "No channel is set, so alerts stand on their page alone. `assay channels set` sets one."
    shell.json_lines(found) if as_json else shell.table([alert_shell.channel_row(one) for one in found], none)


@channels.command("set")
def set_(
    name: Annotated[str, typer.Argument(help="Letters, digits, dot, dash, underscore.")],
    kind: Annotated[str, typer.Argument(help="webhook (JSON by HTTP) or apprise (e-mail, Slack, PagerDuty, ...).")],
    *,
    url_file: UrlFile = None,
    secret_file: SecretFile = None,
    sign: Annotated[bool, typer.Option("--sign", help="Sign with a new key, which is printed once.")] = False,
    severity: Annotated[list[str] | None, typer.Option(help="Only of these alerts.", show_default=False)] = None,
    event: Annotated[list[str] | None, typer.Option(help="Only when they are these.", show_default=False)] = None,
    author: Author = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Set a channel. Its address comes from a file, is kept beside the store, and is never shown again.

    Without --url-file, a channel that there is keeps its address.
    """
    from server import alert_shell, shell  # noqa: PLC0415

    key = alert_shell.new_key() if sign else None
    terms: dict[str, Any] = {"kind": kind, "secret": key}
    try:
        if url_file is not None:
            terms["url"] = alert_shell.first_line(url_file, "the address")
        if secret_file is not None:
            terms["secret"] = alert_shell.first_line(secret_file, "the key")
    except alert_shell.SecretFileError as error:
        raise typer.BadParameter(str(error)) from error
    terms |= {field: told for field, told in (("severities", severity), ("events", event)) if told}
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        made = client.set_channel(name, terms, author or "")
    if as_json:
        shell.json_lines([{**made, **({"secret": key} if key else {})}])
        return
    typer.echo(alert_shell.channel_sentence(made))
    if key:
        typer.echo(f"The key, which is not shown again: {key}")


@channels.command("test")
def try_out(
    name: Name,
    *,
    author: Author = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Send a test message and say what became of it; exit code 1 unless it was taken."""
    from server import alert_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        done = client.test_channel(name, author or "")
    shell.json_lines([done]) if as_json else typer.echo(alert_shell.outcome(name, done))
    if done["outcome"] != "sent":
        raise typer.Exit(FAILURE)


@channels.command("delete")
def delete(
    name: Name, author: Author = None, project: Project = "default", data_dir: DataDir = None, api_url: ApiUrl = None
) -> None:
    """Take a channel and its address away, with what waits for it; the log stays."""
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        client.delete_channel(name, author or "")
    typer.echo(f"Channel {name} is deleted, and its address forgotten; the log of what it was told stays.")


@channels.command("log")
def log(
    *,
    state: Annotated[str | None, typer.Option(help="waiting, sent, failed or cancelled.", show_default=False)] = None,
    channel: Annotated[str | None, typer.Option(help="Of this channel alone.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=500)] = 50,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """What channels were told, or are still to be, the newest first."""
    from server import alert_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.deliveries(state, channel, limit)
    if as_json:
        shell.json_lines(found)
    else:
        shell.table([alert_shell.delivery_row(one) for one in found], "No channel was told anything.")


@channels.command("retry")
def retry(
    delivery: Annotated[str, typer.Argument(help="Its id: `assay channels log` tells it.")],
    *,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Have a delivery that failed, or waits, tried now and for another 24 hours."""
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.retry_delivery(delivery)
    typer.echo(f"Delivery {found['delivery_id']} to channel {found['channel']} is tried now.")
