"""How the command line takes and tells prompts."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server.prompt_files import FilePrompt, read
from server.prompts import PromptError
from server.when import told_time

if TYPE_CHECKING:
    from server.client import Client

Row = dict[str, Any]
_MARKS = {"same": ("", ""), "out": ("[-", "-]"), "in": ("{+", "+}")}  # as `git diff --word-diff` has them


def read_file(path: Path) -> FilePrompt:
    """The prompt of a YAML file; `-` is standard input.

    Raises:
        PromptError: it cannot be read or breaks a rule; names line, key, value and rule.
    """
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(f"{path} cannot be read: {error}") from error
    return read("Standard input" if str(path) == "-" else str(path), text)


def which(told: str) -> dict[str, Any]:
    """`3` is a version, anything else a label."""
    return {"version": int(told)} if told.isdigit() else {"label": told}


def number(client: Client, name: str, told: str) -> int:
    """The number of a version that is told by number or label."""
    return int(told) if told.isdigit() else int(client.prompt(name, label=told)["version"])


def list_row(one: Row) -> Row:
    """What a person reads of a prompt in a list."""
    labels = ", ".join(f"{label} {version}" for label, version in one["labels"].items())
    return {
        "prompt": one["name"], "newest": one["version"], "labels": labels, "tags": ", ".join(one["tags"]),
        "set": told_time(one["set_at"]), "by": one["author"] or "", "note": one["note"],
    }  # fmt: skip


def version_row(one: Row) -> Row:
    """What a person reads of a version."""
    return {
        "version": one["version"], "labels": ", ".join(one["labels"]), "model": one["model"] or "any",
        "variables": ", ".join(one["variables"]), "set": told_time(one["set_at"]), "by": one["author"] or "",
        "note": one["note"],
    }  # fmt: skip


def move_row(one: Row) -> Row:
    """What a person reads of a move of a label."""
    return {
        "label": one["label"], "from": "none" if one["from_version"] is None else str(one["from_version"]),
        "to": "removed" if one["version"] is None else str(one["version"]),
        "protected": "yes" if one["protected"] else "no", "when": told_time(one["moved_at"]), "by": one["author"] or "",
        "why": one["reason"],
    }  # fmt: skip


def diff_text(found: Mapping[str, Any]) -> str:
    """A diff for people: words that went as [-word-], words that came as {+word+}."""
    if found["equal"]:
        return f"Versions {found['older']} and {found['newer']} of {found['name']} say the same.\n"
    lines = [f"{found['name']}: version {found['older']} against {found['newer']}"]
    for one in found["texts"]:
        if one["changed"]:
            lines += ["", _title(one), "".join(_marked(op, text) for op, text in one["parts"])]
    if found["model"] is not None:
        lines += ["", "model: {} -> {}".format(*("any" if one is None else one for one in found["model"]))]
    for key, name in (("parameters", "key"), ("tools", "name")):
        lines += [f"\n{key}: {one[name]} {one['change']}: {one['from']} -> {one['to']}" for one in found[key]]
    return "\n".join(lines) + "\n"


def _title(one: Mapping[str, Any]) -> str:
    if one["role_from"] is None:
        return f"message {one['place_to'] + 1}, {one['role_to']}, added:"
    if one["role_to"] is None:
        return f"message {one['place_from'] + 1}, {one['role_from']}, removed:"
    role = one["role_to"] if one["role_from"] == one["role_to"] else f"{one['role_from']} -> {one['role_to']}"
    return f"message {one['place_to'] + 1}, {role}:"


def _marked(op: str, text: str) -> str:
    begin, end = _MARKS[op]
    return f"{begin}{text}{end}"


def import_rows(rows: Sequence[Row], *, dry_run: bool) -> list[Row]:
    """What a person reads of files that were set."""
    would = "would be " if dry_run else ""
    words = {"new": f"{would}a new prompt", "version": f"{would}a new version", "tags": f"{would}tagged anew",
             "same": "unchanged"}  # fmt: skip
    return [
        {"file": one["path"], "prompt": one["name"], "version": one["version"], "change": words[one["change"]],
         "label": f"{would}moved" if one["moved"] else ""}
        for one in rows
    ]  # fmt: skip


def exported(done: Mapping[str, str], folder: Path) -> str:
    """What an export did, as a sentence."""
    counts = {what: sum(one == what for one in done.values()) for what in ("written", "changed", "same")}
    said = ", ".join(f"{n} {'unchanged' if what == 'same' else what}" for what, n in counts.items() if n)
    return f"{len(done)} {'file' if len(done) == 1 else 'files'} in {folder}: {said}."


def set_sentence(made: Mapping[str, Any], label: str | None) -> str:
    """What `assay prompts set` tells people."""
    said = f"is version {made['version']}" if made["new"] else f"says what version {made['version']} says: no new one"
    moved = "" if label is None else f" Label {label} names it."
    return f"{made['name']} {said}.{moved}"
