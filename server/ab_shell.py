"""What `assay ab` reads, sends and says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from evaluators.documents import DocumentError
from server.ab_figures import amount, apart, effect, level
from server.ab_tests import NAME, Terms
from server.client import Client
from server.told_entries import Told, read, set_each
from server.when import told_time

Row = dict[str, Any]


class _Named(Terms):
    name: str = Field(pattern=NAME)


def read_tests(path: Path) -> list[Told]:
    """The tests of a YAML file `ab_tests: [...]`; see `told_entries.read`."""
    return read(path, "ab_tests", _Named)


def set_tests(client: Client, told: Sequence[Told], author: str | None) -> list[Row]:
    """Set each; the tests as they are now.

    Raises:
        DocumentError: the server refuses one; says which, and that those before it are set. Or one is stopped and
            stays as it is: all others are set then.
    """
    held = {test["name"]: test["version"] for test in client.ab_tests() if test["state"] == "stopped"}
    made = set_each(told, lambda one: client.set_ab_test(one.name, one.terms, author), lambda one: one.where)
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
        "start": told_time(test["start"]), "stop": told_time(test["stop"]) or "open", "version": test["version"],
    }  # fmt: skip


def sentence(test: Mapping[str, Any]) -> str:
    """What a test is."""
    arms = ", ".join(f"{one['name']} {100 * one['weight']:g} %" for one in test["variants"])
    told = f"A/B test {test['name']} (version {test['version']}) is {test['state']}: {arms} of {test['unit']}s."
    return "\n".join([told, *test.get("warnings", ())])


STATES = {"hurt": "hurt", "safe": "kept", "open": "undecided"}  # of guardrails, as the page calls them


def arms(test: Mapping[str, Any], found: Mapping[str, Any]) -> list[Row]:
    """Rows of a table: the metric of each arm, then each guardrail of each arm; with the difference to the control."""
    rows = [_of_metric(test, one, found) for one in found["arms"]]
    units = {one["variant"]: one["units"] for one in found["arms"]}
    for place, rail in enumerate(test["guardrails"]):
        told = [one["guardrails"][place] | {"variant": one["variant"]} for one in found["comparisons"]]
        control = {"variant": test["variants"][0]["name"], "mean": told[0]["control_mean"]} if told else None
        rows += [_of_guardrail(rail, one, units) for one in (control, *told) if one is not None]
    return rows


def _of_metric(test: Mapping[str, Any], arm: Mapping[str, Any], found: Mapping[str, Any]) -> Row:
    unit = test["unit_of"]
    against = next((one for one in found["comparisons"] if one["variant"] == arm["variant"]), None)
    return {
        "measure": test["metric"], "variant": arm["variant"], "units": arm["units"], "with a value": str(arm["valued"]),
        "mean": amount(arm["mean"], unit), "interval": level(arm, unit),
        "against control": effect(against, unit) if against else "", "margin": "", "state": "",
    }  # fmt: skip


def _of_guardrail(rail: Mapping[str, Any], told: Mapping[str, Any], units: Mapping[str, int]) -> Row:
    unit, state = rail["unit_of"], told.get("state")
    return {
        "measure": rail["metric"], "variant": told["variant"], "units": units[told["variant"]], "with a value": "",
        "mean": amount(told["mean"], unit), "interval": "",
        "against control": effect(told, unit) if state else "",
        "margin": apart(rail["margin"], unit).removeprefix("+"), "state": STATES[state] if state else "",
    }  # fmt: skip
