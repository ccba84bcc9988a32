"""What `assay ab` reads, sends and says."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from evaluators.documents import DocumentError, entries
from server.ab_tests import NAME, Terms
from server.ab_words import amount, interval
from server.client import ApiError, Client
from server.yaml_lines import line_in, parsed

MAX_DOCUMENT = 1_000_000  # letters
Row = dict[str, Any]


class _Named(Terms):
    name: str = Field(pattern=NAME)


@dataclass(frozen=True, slots=True)
class Told:
    """One test of a file."""

    name: str
    terms: Row
    where: str  # in the file, for errors


def read_tests(path: Path) -> list[Told]:
    """The tests of a YAML file `ab_tests: [...]`, in its order; `-` is standard input.

    Raises:
        DocumentError: it cannot be read or breaks a rule; names the line, the key and the nearest key that there is.
    """
    origin = "Standard input" if str(path) == "-" else str(path)
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(f"{path} cannot be read: {error}") from error
    document = parsed(text, origin, MAX_DOCUMENT, DocumentError)

    def line_of(steps: tuple[str | int, ...]) -> int:
        return line_in(text, steps)

    found = entries(document, "ab_tests", _Named, origin, line_of)
    return [
        Told(one.name, one.model_dump(mode="json", exclude={"name"}), f"{origin}, line {line_of(('ab_tests', place))}")
        for place, one in enumerate(found)
    ]


def set_tests(client: Client, told: Sequence[Told], author: str | None) -> list[Row]:
    """Set each; the tests as they are now.

    Raises:
        DocumentError: the server refuses one; says which, and that those before it are set. Or one is stopped and
            stays as it is: all others are set then.
    """
    held = {test["name"]: test["version"] for test in client.ab_tests() if test["state"] == "stopped"}
    made: list[Row] = []
    for one in told:
        try:
            made.append(client.set_ab_test(one.name, one.terms, author))
        except ApiError as error:
            if error.kind != "refused":
                raise
            kept = f" Set before it: {', '.join(test['name'] for test in made)}." if made else ""
            raise DocumentError(f"{one.where}: {error.message}{kept}") from error
    over = [told[place] for place, test in enumerate(made) if held.get(test["name"]) == test["version"]]
    if over:
        raise DocumentError(_over(over, [test["name"] for test in made]))
    return made


def _over(over: Sequence[Told], names: Sequence[str]) -> str:
    """Of tests that are stopped and whose file says nothing new."""
    said = " ".join(
        f"{one.where}: A/B test {one.name!r} is stopped: nothing was set, and it cannot begin again. Take it out of "
        "the file, or give it another name."
        for one in over
    )
    others = [name for name in names if name not in {one.name for one in over}]
    return f"{said} Set beside it: {', '.join(others)}." if others else said


def row(test: Mapping[str, Any]) -> Row:
    """A test as a row of a table."""
    return {
        "name": test["name"], "state": test["state"], "unit": test["unit"], "metric": test["metric"],
        "variants": ", ".join(f"{one['name']} {100 * one['weight']:g} %" for one in test["variants"]),
        "start": test["start"], "stop": test["stop"] or "open", "version": test["version"],
    }  # fmt: skip


def sentence(test: Mapping[str, Any]) -> str:
    """What a test is."""
    arms = ", ".join(f"{one['name']} {100 * one['weight']:g} %" for one in test["variants"])
    told = f"A/B test {test['name']} (version {test['version']}) is {test['state']}: {arms} of {test['unit']}s."
    return "\n".join([told, *test.get("warnings", ())])


def arms(test: Mapping[str, Any], found: Mapping[str, Any]) -> list[Row]:
    """The arms of a test as rows of a table, with the difference to the control."""
    apart = {one["variant"]: one for one in found["comparisons"]}
    unit = test["unit_of"]
    return [
        {
            "variant": one["variant"], "weight": one["weight"], "units": one["units"], "valued": one["valued"],
            test["metric"]: amount(one["mean"], unit),
            "against control": interval(apart[one["variant"]], unit) if one["variant"] in apart else "",
        }
        for one in found["arms"]
    ]  # fmt: skip
