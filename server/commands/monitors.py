"""Commands over monitors: set them, see how they stand, have them look, try one out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from server.commands.common import ApiUrl, AsJson, Author, DataDir, Project, opened
from server.commands.drift import monitor_app as monitor

Name = Annotated[str, typer.Argument(help="Of the monitor: `assay monitor list` tells it.")]
File = Annotated[Path, typer.Argument(help="YAML, `monitors: [...]`; - for standard input.")]


@monitor.command("list")
def listed(
    *, as_json: AsJson = False, project: Project = "default", data_dir: DataDir = None, api_url: ApiUrl = None
) -> None:
    """The project's monitors and how they stand, by name."""
    from server import monitor_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.monitors()
    none = "No monitor is set. `assay monitor set monitors.yaml` sets those of a file."
    shell.json_lines(found) if as_json else shell.table([monitor_shell.row(one) for one in found], none)


@monitor.command("show")
def show(
    name: Name,
    *,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """What a monitor says now, how often it cries wolf, and its newest looks."""
    from server import monitor_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.monitor(name)
    if as_json:
        shell.json_lines([found])
        return
    for sentence in monitor_shell.sentences(found):
        typer.echo(sentence)
    shown = ("at", "value", "expected", "low", "high", "n", "p_adjusted", "counts", "state")
    shell.table([{key: one[key] for key in shown} for one in found["looks"][-12:]], "It has not looked yet.")


@monitor.command("set")
def set_(
    file: File,
    *,
    author: Author = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Set the monitors of a file; others stay. The same again changes nothing."""
    from server import monitor_shell, shell  # noqa: PLC0415

    told = monitor_shell.read_monitors(file)  # before any server is asked
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        made = monitor_shell.set_monitors(client, told, author)
    if as_json:
        shell.json_lines(made)
        return
    for one in made:
        typer.echo(monitor_shell.sentences(one)[0])


@monitor.command("enable")
def enable(
    name: Name, author: Author = None, project: Project = "default", data_dir: DataDir = None, api_url: ApiUrl = None
) -> None:
    """Turn a monitor on; it begins as new, and looks at what comes from now on."""
    _turn(name, author, project, data_dir, api_url, on=True)


@monitor.command("disable")
def disable(
    name: Name, author: Author = None, project: Project = "default", data_dir: DataDir = None, api_url: ApiUrl = None
) -> None:
    """Turn a monitor off, and resolve its open alert; its looks and alerts stay."""
    _turn(name, author, project, data_dir, api_url, on=False)


def _turn(name: str, author: str | None, project: str, data_dir: Path | None, api_url: str | None, *, on: bool) -> None:
    from server import monitor_shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        terms = monitor_shell.terms_of(client.monitor(name)) | {"enabled": on}
        typer.echo(monitor_shell.sentences(client.set_monitor(name, terms, author))[0])


@monitor.command("delete")
def delete(
    name: Name, author: Author = None, project: Project = "default", data_dir: DataDir = None, api_url: ApiUrl = None
) -> None:
    """Take a monitor away and resolve its open alert; its looks and alerts stay."""
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        client.delete_monitor(name, author)
    typer.echo(f"Monitor {name} is deleted; its looks and alerts stay.")


@monitor.command("look")
def look(
    name: Name,
    *,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Look now, whether or not it is due."""
    from server import monitor_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.look_now(name)
    if as_json:
        shell.json_lines([found])
        return
    for sentence in monitor_shell.sentences(found):
        typer.echo(sentence)


@monitor.command("preview")
def preview(
    file: File,
    *,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Tell how the monitors of a file would have looked over what is stored; nothing is set."""
    from server import monitor_shell, shell  # noqa: PLC0415

    told = monitor_shell.read_monitors(file)
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = [{"name": one.name} | client.preview_monitor(one.terms) for one in told]
    if as_json:
        shell.json_lines(found)
        return
    for one in found:
        typer.echo(f"Monitor {one['name']}:")
        for sentence in monitor_shell.preview(one):
            typer.echo(f"  {sentence}")
