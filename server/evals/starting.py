"""Suites to begin with: templates, each with a dataset of its own, that are copied and then filled in.

They stand in the package, not in `datasets/`: an installed Assayline has them too, and `datasets/` is no package.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from evaluators.errors import EvaluatorError
from server.yaml_lines import parsed

FOLDER = Path(__file__).with_name("templates")
MAX_TEMPLATE = 100_000  # letters


class TemplateError(EvaluatorError):
    """There is no such template, or no room for a copy."""


@dataclass(frozen=True, slots=True)
class Template:
    """A suite to begin with."""

    name: str
    description: str
    files: tuple[Path, ...]  # the suite first


def templates() -> list[Template]:
    """All of them, by name."""
    return [_template(path) for path in sorted(FOLDER.glob("*.yaml"))]


def _template(path: Path) -> Template:
    told = parsed(path.read_text("utf-8"), path.name, MAX_TEMPLATE, TemplateError)
    return Template(path.stem, told["description"], (path, path.with_name(told["dataset"]["file"])))


def copied(name: str, to: Path) -> list[Path]:
    """Copy a template's files to a folder, which is made if there is none. Returns the copies, the suite first.

    Raises:
        TemplateError: no template has this name, a file of a copy's name is there already, or nothing can be written.
    """
    template = _named(name)
    copies = {to / file.name: file for file in template.files}
    there = next((copy for copy in copies if copy.exists()), None)
    if there is not None:
        raise TemplateError(f"{there} is there already, and is left as it is. Name another folder by --to.")
    try:
        to.mkdir(parents=True, exist_ok=True)
        for copy, file in copies.items():
            with copy.open("xb") as made:
                made.write(file.read_bytes())
    except OSError as error:
        raise TemplateError(f"{to} cannot be written: {error.strerror}. Name another folder by --to.") from error
    return list(copies)


def _named(name: str) -> Template:
    known = {one.name: one for one in templates()}
    if name in known:
        return known[name]
    close = get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise TemplateError(f"No template is named {name!r}.{hint} There are: {', '.join(known)}.")


def listed() -> str:
    """What there is, for people."""
    found = templates()
    width = max(len(one.name) for one in found)
    lines = [f"{one.name.ljust(width)}  {one.description}" for one in found]
    return "\n".join([*lines, "", "Copy one by: assay eval new NAME"]) + "\n"


def told(copies: list[Path]) -> str:
    """What was copied, and what to do next."""
    suite, *data = copies
    return (
        f"{suite} and {', '.join(str(one) for one in data)} were written. They run as they stand:\n"
        f"  assay eval run {suite}\n"
        "Then put your own items into the dataset, and name your application as the target.\n"
    )
