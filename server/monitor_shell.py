"""What `assay monitor` reads, sends and says of monitors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from server.client import Client
from server.monitors import words
from server.monitors.terms import Named, Terms
from server.told_entries import Told, read, set_each

Row = dict[str, Any]
TERMS = frozenset(Terms.model_fields)


def read_monitors(path: Path) -> list[Told]:
    """The monitors of a YAML file `monitors: [...]`; see `told_entries.read`."""
    return read(path, "monitors", Named)


def set_monitors(client: Client, told: Sequence[Told], author: str | None) -> list[Row]:
    """Set each; the monitors as they are now. See `told_entries.set_each`."""
    return set_each(
        told,
        lambda one: client.set_monitor(one.name, one.terms, author),
        lambda one: f"{one.where}, monitor {one.name!r}",
    )


def terms_of(monitor: Mapping[str, Any]) -> Row:
    """What `PUT /api/monitors/{name}` takes, of a monitor as the API tells it."""
    return {name: value for name, value in monitor.items() if name in TERMS}


def row(monitor: Mapping[str, Any]) -> Row:
    """A monitor as a row of a table."""
    found = (monitor["calibration"] or {}).get("false_alarms") or {}
    last = monitor["last"] or {}
    alert, drift = monitor["alert_open"], monitor["alert"]["kind"] == "drift"
    return {
        "name": monitor["name"], "state": "off" if not monitor["enabled"] else monitor["state"],
        "signal": monitor["label"], "of": words.slice_(Terms.model_validate(terms_of(monitor))) or "all calls",
        "value": last.get("value"), "expected": last.get("expected"), "looked until": monitor["looked_until"],
        "false alarms a month": found.get("value") if drift else "", "alert": "" if alert is None else alert["number"],
    }  # fmt: skip


def sentences(monitor: Mapping[str, Any]) -> list[str]:
    """What a monitor says, how it stands, how often it cries wolf."""
    state = "off" if not monitor["enabled"] else monitor["state"]
    said = [f"Monitor {monitor['name']} (version {monitor['version']}) is {state}: {monitor['sentence']}"]
    if monitor["alert_open"] is not None:
        number, how = monitor["alert_open"]["number"], monitor["alert_open"]["state"]
        said.append(f"Alert {number} of it is {how}: `assay alerts show {number}`.")
    drift = monitor["alert"]["kind"] == "drift"
    return [*said, monitor["policy"], *([alarms(monitor["calibration"], monitor["unit"])] if drift else [])]


def alarms(calibration: Mapping[str, Any] | None, unit: str = "") -> str:
    """False alarms a month, and the delay; `unit`: of the signal."""
    said = words.false_alarms(calibration)
    late = (calibration or {}).get("delay")
    return f"{said} {words.delay(late, unit)}" if late else said


def preview(found: Mapping[str, Any]) -> list[str]:
    """What a preview says."""
    times = ", ".join(one["at"][:16].replace("T", " ") for one in found["would_have_fired"][:10])
    return [found["sentence"], *([f"At {times} UTC."] if times else []), *found["warnings"]]
