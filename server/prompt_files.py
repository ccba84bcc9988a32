"""Prompts as files for git: one readable YAML each, the same bytes as long as nothing has changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from server.prompts import MOST_NOTE, Content, PromptError, check_name, check_tags, problems
from server.yaml_lines import line_in, parsed

MOST_FILE = 1_000_000  # letters
MOST_FILES = 2_000
DEPTH = 8  # folders
TEMPLATES = Path(__file__).with_name("prompt_templates")
KEYS = ("prompt", "tags", "note", "model", "parameters", "text", "messages", "tools")
_SAID = ("text", "messages", "model", "parameters", "tools")
_BLOCK = 120  # letters from which a text of one line stands in a block too
_NO_BLOCK = re.compile(
    "[^\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|[\u2028\u2029]| \n|^ | $"
)
_ODD_ENDS = re.compile("[\x85\u2028\u2029\ufeff]")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FilePrompt:
    """What one file says."""

    path: str
    name: str
    tags: tuple[str, ...]
    note: str
    content: Content


def path_of(name: str) -> str:
    """Where a prompt stands, relative to the folder."""
    return f"{name}.yaml"


def written(name: str, tags: Sequence[str], note: str, content: Mapping[str, Any]) -> str:
    """The file of a prompt. What is empty is left out; keys of parameters are sorted, those of tools as they were."""
    import yaml  # noqa: PLC0415 - only where files are written

    told: Json = {"prompt": name, "tags": sorted(tags), "note": note, "model": content.get("model")}
    told["parameters"] = dict(sorted((content.get("parameters") or {}).items()))
    told |= {key: content.get(key) for key in ("text", "messages", "tools")}
    kept = {key: value for key, value in told.items() if value not in (None, "", [], (), {}) or key == "prompt"}
    text: str = yaml.dump(
        kept, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=1 << 30, default_flow_style=False
    )
    return text


@cache
def _dumper() -> Any:
    import yaml  # noqa: PLC0415 - as above

    class Dumper(yaml.SafeDumper):
        """With long texts in blocks, lists indented, and no anchors."""

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - as the library's
            super().increase_indent(flow, indentless=False)

        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - likewise
            return True

    def text(dumper: Any, value: str) -> Any:
        block = ("\n" in value or len(value) > _BLOCK) and value.strip() and not _NO_BLOCK.search(value)
        # A reader of YAML takes these for ends of lines: escaped they stay what they are.
        style = '"' if _ODD_ENDS.search(value) else "|" if block else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    return Dumper


def read(path: str, text: str) -> FilePrompt:
    """The prompt of a file's text.

    Raises:
        PromptError: it is none; names file, line, key, value and rule of each problem.
    """
    told = parsed(text, path, MOST_FILE, PromptError)
    if not isinstance(told, dict) or "prompt" not in told:
        raise PromptError(f"{path} is no prompt: it needs the key 'prompt' at its top, with the prompt's name.")
    faults = [*_odd_keys(told), *_faults(told)]
    if faults:
        raise PromptError("\n".join(_fault(path, text, *fault) for fault in faults))
    try:
        name, tags = check_name(str(told["prompt"])), check_tags([str(tag) for tag in told.get("tags") or ()])
    except PromptError as error:
        raise PromptError(f"{path}: {error}") from error
    content = Content.model_validate({key: told[key] for key in _SAID if told.get(key) is not None})
    return FilePrompt(path, name, tags, str(told.get("note") or ""), content)


def _odd_keys(told: Mapping[Any, Any]) -> Iterable[tuple[tuple[str | int, ...], int | None, str]]:
    for key in told:
        if key not in KEYS:
            yield (str(key),), None, f"there is no such key; those that there are: {', '.join(KEYS)}"
    if told.get("tags") is not None and not isinstance(told["tags"], list):
        yield ("tags",), None, "tags are a list"
    if len(str(told.get("note") or "")) > MOST_NOTE:
        yield ("note",), None, f"a note has {MOST_NOTE:,} letters at most"


def _faults(told: Mapping[str, Any]) -> Iterable[tuple[tuple[str | int, ...], int | None, str]]:
    for one in problems({key: told[key] for key in _SAID if told.get(key) is not None}):
        steps = tuple(int(part) if part.isdigit() else part for part in one.at.split(".") if part)
        yield steps, one.line, one.problem


def _fault(path: str, text: str, steps: tuple[str | int, ...], line: int | None, what: str) -> str:
    """With the line of the file: a block's text begins in the line after its key."""
    at = line_in(text, steps)
    if line is not None:
        at += line - 1 + (1 if _blocks(text, at) else 0)
    return f"{path}, line {at}: {'.'.join(map(str, steps)) or 'the prompt'}: {what.rstrip('.')}."


def _blocks(text: str, line: int) -> bool:
    lines = text.splitlines()
    return line <= len(lines) and re.search(r"[|>][-+0-9]*\s*(?:#.*)?$", lines[line - 1]) is not None


def read_all(files: Sequence[tuple[str, str]]) -> list[FilePrompt]:
    """The prompts of (path, text). YAML without the key `prompt` at its top is no prompt and left out.

    Raises:
        PromptError: one cannot be read, or two have one name; all problems, a line each.
    """
    found, faults = dict[str, FilePrompt](), list[str]()
    for path, text in files:
        try:
            one = read(path, text)
        except PromptError as error:
            faults.append(str(error))
            continue
        if one.name in found:
            faults.append(f"{path}: {found[one.name].path} has a prompt of the same name, {one.name!r}.")
        found[one.name] = one
    if faults:
        raise PromptError("\n".join(faults))
    return list(found.values())


def read_plain(files: Sequence[tuple[str, str]]) -> Json:
    """As `read_all`, in plain values for another process: `prompts`, or `problem`."""
    try:
        found = read_all(files)
    except PromptError as error:
        return {"problem": str(error), "prompts": []}
    told = [
        {"path": one.path, "name": one.name, "tags": one.tags, "new": asdict(one.content.new(one.note))}
        for one in found
    ]
    return {"problem": None, "prompts": told}


def is_prompt(text: str) -> bool:
    """Whether a YAML file is meant to be a prompt; it is searched, not read."""
    return re.search(r"^[\"']?prompt[\"']?[ \t]*:", text, re.MULTILINE) is not None


def files_in(folder: Path) -> tuple[list[tuple[str, str]], list[str]]:
    """(path within the folder, text) of its prompts, by path; and paths of other YAML files, which are left out.

    Raises:
        PromptError: the folder is none, a file cannot be read, or there are more than 2,000.
    """
    if not folder.is_dir():
        raise PromptError(f"{folder} is no folder. Name the one that `assay prompts export` has written.")
    paths = sorted(
        path
        for depth in range(DEPTH)
        for path in folder.glob("*/" * depth + "*.y*ml")
        if path.suffix in {".yaml", ".yml"} and path.is_file()
    )
    if len(paths) > MOST_FILES:
        raise PromptError(f"{folder} has {len(paths):,} YAML files; {MOST_FILES:,} are the most. Name one below it.")
    found, others = list[tuple[str, str]](), list[str]()
    for path in paths:
        try:
            text = path.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PromptError(f"{path} cannot be read: {error}") from error
        at = path.relative_to(folder).as_posix()
        if is_prompt(text):
            found.append((at, text))
        else:
            others.append(at)
    return found, others


def put(folder: Path, files: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Write files (`path`, `text`) below a folder; path -> written, changed or same. Files of others are left.

    Raises:
        PromptError: one cannot be written.
    """
    done: dict[str, str] = {}
    for one in files:
        to, data = folder / one["path"], one["text"].encode()
        try:
            before = to.read_bytes() if to.exists() else None
            if before != data:
                to.parent.mkdir(parents=True, exist_ok=True)
                to.write_bytes(data)
        except OSError as error:
            raise PromptError(f"{to} cannot be written: {error.strerror}.") from error
        done[one["path"]] = "same" if before == data else "written" if before is None else "changed"
    return done


def templates() -> list[Json]:
    """Prompts to begin with, by name: `name`, `note` (what it is for), `tags`, `content`."""
    found = [read(path.name, path.read_text("utf-8")) for path in sorted(TEMPLATES.glob("*.yaml"))]
    return [
        {"name": one.name, "note": one.note, "tags": list(one.tags), "content": one.content.told()} for one in found
    ]
