"""Commands over prompts: see them, set them, move their labels, keep them as files in git."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from server.commands.common import ApiUrl, AsJson, Author, DataDir, Project, app, opened

prompts = typer.Typer(
    short_help="Versioned prompts: see, set, label, export, import.",
    help="Prompts by version, with labels that say which one is in production, and as files for git.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(prompts, name="prompts")

Name = Annotated[str, typer.Argument(help="Of the prompt: `assay prompts list` tells it.")]
Which = Annotated[str, typer.Option("--version", "-v", help="A number, or a label such as production.")]
Reason = Annotated[str, typer.Option(help="Why, for the history.")]
Moved = Annotated[
    str | None, typer.Option("--label", help="Move this label to the version, such as staging.", show_default=False)
]
Confirm = Annotated[str | None, typer.Option(help="The label once more, where it is protected.", show_default=False)]


@prompts.command("list")
def listed(
    *,
    text: Annotated[str | None, typer.Option(help="In the name, or in the newest version.", show_default=False)] = None,
    tag: Annotated[str | None, typer.Option(help="Only prompts with this tag.", show_default=False)] = None,
    label: Annotated[str | None, typer.Option(help="Only prompts with this label.", show_default=False)] = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """The prompts by name, with their newest version and labels."""
    from server import prompt_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.prompts(text, tag, label)
    chosen = any(one is not None for one in (text, tag, label))
    none = "No prompt is so." if chosen else "There is no prompt. `assay prompts set FILE` or `import DIR` makes some."
    shell.json_lines(found) if as_json else shell.table([prompt_shell.list_row(one) for one in found], none)


@prompts.command()
def show(
    name: Name,
    *,
    history: Annotated[bool, typer.Option("--history", help="Every move of its labels, newest first.")] = False,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """The versions of a prompt, or how its labels moved."""
    from server import prompt_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.prompt_versions(name)
    if as_json:
        shell.json_lines([found])
        return
    rows = found["history" if history else "versions"]
    told = [prompt_shell.move_row(one) if history else prompt_shell.version_row(one) for one in rows]
    shell.table(told, "No label of it was ever moved.")
    if found["away"]:
        typer.echo("It was deleted: lists leave it out, and versions are fetched by number.")


@prompts.command()
def get(
    name: Name,
    *,
    version: Which = "latest",
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Print one version as the YAML that `set` and `import` take."""
    from server import prompt_shell, shell  # noqa: PLC0415
    from server.prompt_files import written  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.prompt(name, **prompt_shell.which(version))
        tags = client.prompt_versions(name)["tags"]
    if as_json:
        shell.json_lines([found])
        return
    typer.echo(written(name, tags, found["note"], found), nl=False)


@prompts.command()
def diff(
    name: Name,
    older: Annotated[str, typer.Argument(help="A number, or a label such as production.")],
    newer: Annotated[str, typer.Argument(help="Likewise.")] = "latest",
    *,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """What differs between two versions, word by word: [-gone-] and {+come+}."""
    from server import prompt_shell, shell  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        numbers = [prompt_shell.number(client, name, told) for told in (older, newer)]
        found = client.prompt_diff(name, *numbers)
    shell.json_lines([found]) if as_json else typer.echo(prompt_shell.diff_text(found), nl=False)


@prompts.command("set")
def set_(
    file: Annotated[Path, typer.Argument(help="YAML, as `get` prints it; - for standard input.")],
    *,
    note: Annotated[str | None, typer.Option(help="Why [the file's note].", show_default=False)] = None,
    label: Moved = None,
    confirm: Confirm = None,
    author: Author = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Set the prompt of a file: a new version, unless the newest says the same."""
    from server import prompt_shell, shell  # noqa: PLC0415

    told = prompt_shell.read_file(file)  # before any server is asked
    more = {"note": told.note if note is None else note, "tags": list(told.tags), "label": label, "confirm": confirm}
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        made = client.set_prompt(told.name, told.content.told(), author=author, **more)
    shell.json_lines([made]) if as_json else typer.echo(prompt_shell.set_sentence(made, label))


@prompts.command("label")
def label_(
    name: Name,
    label: Annotated[str, typer.Argument(help="Such as production.")],
    version: Annotated[
        str | None, typer.Argument(help="To this version: a number, or another label.", show_default=False)
    ] = None,
    *,
    remove: Annotated[bool, typer.Option("--remove", help="Take the label away.")] = False,
    protect: Annotated[
        bool | None,
        typer.Option("--protect/--unprotect", help="Whether moving it asks for --confirm.", show_default=False),
    ] = None,
    confirm: Confirm = None,
    reason: Reason = "",
    author: Author = None,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Move a label to a version, protect it, or remove it. `assay prompts show NAME --history` tells its moves."""
    from server import prompt_shell  # noqa: PLC0415

    if remove == (version is not None) and not (protect is not None and not remove):
        raise typer.BadParameter("say to which version the label goes, or --remove, or --protect")
    more: dict[str, Any] = {"confirm": confirm, "reason": reason, "author": author}
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        if remove:
            client.remove_label(name, label, **more)
            typer.echo(f"{name} has no label {label} any more.")
            return
        number = prompt_shell.number(client, name, version or label)
        client.move_label(name, label, number, protected=protect, **more)
    said = {True: " It is protected.", False: " It is not protected.", None: ""}[protect]
    typer.echo(f"Label {label} of {name} names version {number}.{said}")


@prompts.command()
def delete(
    name: Name,
    *,
    confirm: Annotated[
        str | None, typer.Option(help="The prompt's name, where one of its labels is protected.", show_default=False)
    ] = None,
    author: Author = None,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Take a prompt from the lists and remove its labels; its versions stay, and are fetched by number."""
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        client.forget_prompt(name, confirm, author)
    typer.echo(f"{name} is deleted; its versions are still fetched by number.")


@prompts.command()
def export(
    folder: Annotated[Path, typer.Argument(help="A YAML file a prompt is written below it.")],
    *,
    name: Annotated[str | None, typer.Option(help="Only this prompt.", show_default=False)] = None,
    label: Annotated[str, typer.Option(help="The versions that this label names.")] = "latest",
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Write prompts as files for git. What has not changed stays byte for byte the same; other files are left alone."""
    from server import prompt_shell, shell  # noqa: PLC0415
    from server.prompt_files import put  # noqa: PLC0415

    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        found = client.prompt_files(name, label)
    done = put(folder, found)
    if as_json:
        shell.json_lines({"path": one["path"], "version": one["version"], "change": done[one["path"]]} for one in found)
        return
    typer.echo(prompt_shell.exported(done, folder) if done else "No prompt is so; nothing was written.")


@prompts.command("import")
def import_(
    folder: Annotated[Path, typer.Argument(help="As `export` has written it.")],
    *,
    label: Moved = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    confirm: Confirm = None,
    author: Author = None,
    as_json: AsJson = False,
    project: Project = "default",
    data_dir: DataDir = None,
    api_url: ApiUrl = None,
) -> None:
    """Set the prompts of a folder's files, all or none: new versions where they differ from the newest."""
    from server import prompt_shell, shell  # noqa: PLC0415
    from server.prompt_files import files_in, read_all  # noqa: PLC0415

    files, others = files_in(folder)
    read_all(files)  # before any server is asked
    told = [{"path": path, "text": text} for path, text in files]
    more = {"label": label, "dry_run": dry_run, "confirm": confirm, "author": author}
    with opened(project, data_dir=data_dir, api_url=api_url) as client:
        rows = client.take_prompt_files(told, **more)
    if others:
        typer.echo(f"assay: left out, as no prompt is in them: {', '.join(others[:10])}", err=True)
    none = f"No file below {folder} is a prompt."
    shell.json_lines(rows) if as_json else shell.table(prompt_shell.import_rows(rows, dry_run=dry_run), none)
