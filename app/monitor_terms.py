"""What a monitor says, between the form, links and the API. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from app import monitor_signals as signals

Terms = dict[str, Any]

TERMS = (
    "description", "enabled", "signal", "score", "quantile", "where", "against", "every", "window", "alert",
    "severity", "owner", "notify", "escalate_after",
)  # fmt: skip
"""What of a monitor is set."""
_TOLD = {"description": "", "enabled": True, "severity": "warning", "owner": None, "notify": [], "escalate_after": None}
"""What of it no look depends on, as a preview is asked."""
NAME = re.compile(r"\.*[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")
_TYPES: Mapping[str, type] = {
    "signal": str, "score": str, "quantile": float, "where": dict, "against": dict, "every": str, "window": str,
    "alert": dict, "severity": str, "owner": str, "description": str,
}  # fmt: skip
_LONGEST = 4_000  # letters of a link's terms


def terms(monitor: Mapping[str, Any]) -> Terms:
    """What a monitor says, as it is set."""
    return {name: monitor[name] for name in TERMS}


def linked(told: Mapping[str, Any]) -> str:
    """Terms, or a part of them, as they stand in a link to the form."""
    return json.dumps({name: value for name, value in told.items() if value not in (None, "", {})}, sort_keys=True)


def of_link(text: str) -> Terms:
    """`linked` backwards; of anything else what is there of terms. A link may say anything."""
    try:
        told = json.loads(text) if len(text) <= _LONGEST else None
    except (ValueError, RecursionError):
        return {}
    if not isinstance(told, dict):
        return {}
    found = {name: told[name] for name, kind in _TYPES.items() if isinstance(told.get(name), kind)}
    if found.get("signal") not in signals.SIGNALS:
        found.pop("signal", None)
    if "where" in found:
        found["where"] = {str(name): value for name, value in found["where"].items() if isinstance(value, str | bool)}
    return found


def calls_where(filters: Mapping[str, Any]) -> dict[str, Any]:
    """The slice of a page over model calls: its filters that are set; that calls are of models is meant anyway."""
    kept = {name: value for name, value in filters.items() if value is not None}
    return kept if kept.get("kind") != "llm" else {name: value for name, value in kept.items() if name != "kind"}


def previewed(told: Mapping[str, Any]) -> Terms:
    """The terms without what no look depends on, so that typing it asks for no other preview."""
    return {**told, **_TOLD}


def suggested(told: Mapping[str, Any], taken: Iterable[str]) -> str:
    """A name that says what is watched and where: `duration-p95-shop`; numbered where it is taken."""
    check = (told.get("alert") or {}).get("kind", "drift")
    parts = [told.get("signal") or check, told.get("score") or ""]
    if told.get("quantile") is not None and told["quantile"] != 0.5:
        parts.append(signals.quantile_word(told["quantile"]))
    if told.get("signal") and check == "threshold":
        parts.append("limit")
    parts += [str(value) for value in (told.get("where") or {}).values()]
    plain = "-".join(filter(None, (re.sub(r"[^A-Za-z0-9_.]+", "-", str(part)).strip("-.") for part in parts)))
    name = (plain.replace("_", "-") or "monitor")[:90]
    known = set(taken)
    names = [name, *(f"{name}-{number}" for number in range(2, len(known) + 3))]
    return next(one for one in names if one not in known)


# What the API says of a field.

FIELDS = (
    "signal", "score", "quantile", "where", "against", "every", "window", "severity", "owner", "notify",
    "escalate_after", "name", "description", "min_effect", "side", "alpha", "per_month", "persist", "season", "method",
    "least", "above", "below", "failed", "share", "objective", "slower_than", "period", "spent", "forecast",
)  # fmt: skip
OWN = {"last": "against", "since": "against", "until": "against", "release": "against", "prompt": "against",
       "run": "against"}  # fmt: skip
"""Parts of a field -> the field."""


def refusals(message: str) -> dict[str, str]:
    """What the API said against terms, by the field that it is about; '' for what is about none or several."""
    found: dict[str, str] = {}
    for part in re.split(r"; (?=body)", message.removesuffix(" The fields are documented at /docs.")):
        where, _, said = part.partition(": ") if part.startswith("body") else ("", "", part)
        said = re.sub(r", got [{\[].*$", "", said.removeprefix("Value error, "), flags=re.DOTALL)
        field = _field(where, said)
        said = said.removeprefix(f"{field}: ") if field else said
        found[field] = f"{found[field]} {said}" if field in found else said
    return found


def _field(where: str, said: str) -> str:
    for step in reversed(where.split(".")[1:]):
        if step in FIELDS or step in OWN:
            return OWN.get(step, step)
    first = re.match(r"[\w]+", said)
    word = first[0] if first else ""
    return OWN.get(word, word if word in FIELDS else "")
