"""Commands over end users' feedback: the keys that bring it, and what was said."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from server.commands.common import ApiUrl, AsJson, Author, DataDir, Project, app, opened

feedback = typer.Typer(
    short_help="Take in what end users say of answers.",
    help="Make keys with which applications and pages send what their users say, and read what was said.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(feedback, name="feedback")


@feedback.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What the key is for, such as the application.")],
    *,
    origin: Annotated[
        list[str] | None,
        typer.Option(help="Of pages that may use it, such as https://app.example. None: programs alone may."),
    ] = None,
    per_minute: Annotated[int, typer.Option(help="Feedback that it brings at most.", min=1, max=60_000)] = 600,
    author: Author = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Make a key. It is shown once, and may stand in the source of a page: it can do nothing but send feedback."""
    from server import shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        made = client.add_feedback_key(name, origin or [], per_minute, author or "")
    if as_json:
        shell.json_lines([made])
        return
    where = f"pages of {', '.join(made['origins'])}" if made["origins"] else "programs, and no page"
    typer.echo(f"Key {name} is for {where}; it brings at most {made['per_minute']:,} a minute.")
    typer.echo(f"The key, which is not shown again: {made['key']}")


@feedback.command("keys")
def keys(
    *, as_json: AsJson = False, project: Project = "default", data_dir: DataDir = None, api_url: ApiUrl = None
) -> None:
    """The project's keys, the newest first, without themselves."""
    from server import shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.feedback_keys()
    none = "No key is made yet. `assay feedback add NAME --origin https://app.example` makes one."
    shell.json_lines(found) if as_json else shell.table([_key_row(one) for one in found], none)


def _key_row(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": one["name"], "key": f"{one['shown']}…", "origins": ", ".join(one["origins"]) or "programs",
        "a minute": one["per_minute"], "made": str(one["created_at"])[:16],
        "revoked": str(one["revoked_at"] or "")[:16], "id": one["key_id"],
    }  # fmt: skip


@feedback.command("revoke")
def revoke(
    name: Annotated[str, typer.Argument(help="Of the key, or its id: `assay feedback keys` tells both.")],
    *,
    author: Author = None,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Let a key open nothing any more; what it brought stays."""
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        known = [one for one in client.feedback_keys() if one["revoked_at"] is None]
        found = next((one for one in known if name in {one["name"], one["key_id"]}), None)
        if found is None:
            told = ", ".join(str(one["name"]) for one in known) or "none"
            raise typer.BadParameter(f"no key in use is named {name!r}; in use: {told}")
        client.revoke_feedback_key(str(found["key_id"]), author or "")
    typer.echo(f"Key {found['name']} is revoked; what it brought stays.")


@feedback.command("list")
def listed(
    *,
    since: Annotated[str, typer.Option(help="2026-11-24, or so long ago: 24h, 7d.")] = "30d",
    low: Annotated[bool, typer.Option("--low", help="Only thumbs down and one or two stars.")] = False,
    text: Annotated[bool, typer.Option("--text", help="Only with words.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=1_000)] = 50,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """What end users said, newest first."""
    from server import shell  # noqa: PLC0415
    from server.when import parse_time  # noqa: PLC0415

    try:
        start = parse_time(since)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.rows(
            "feedback", since=start, until=datetime.now(UTC), low=low or None, text=text or None, page_size=limit
        )
    shell.json_lines(found) if as_json else shell.table([_row(one) for one in found], "Nobody said anything.")


def _row(one: dict[str, Any]) -> dict[str, Any]:
    said = one["label"] or ("" if one["value"] is None else f"{one['value']:g}")
    return {
        "time": str(one["time"])[:19], "name": one["name"], "said": said, "words": (one["explanation"] or "")[:60],
        "trace": one["trace_id"] or "", "response": one["response_id"] or "", "user": one["user_id"] or "",
    }  # fmt: skip
