"""What the labelling page says of a session: how far it is, how long it will take, why nothing is left. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app import format as fmt

_HOUR_S = 3600.0


def course(progress: Mapping[str, Any]) -> str:
    """`34 of 200, 41 s each, about 2 h left`: labels of this person, of those and what is left for them."""
    mine = progress.get("mine") or {}
    labels, left = int(mine.get("labels") or 0), int(progress.get("left_for_me") or 0)
    seconds = fmt.finite(mine.get("seconds_median"))
    told = [f"{labels:,} of {labels + left:,}"]
    if seconds is not None and labels:
        told.append(f"{fmt.duration(round(seconds) * 1e9) if seconds >= 1 else 'less than 1 s'} each")
    if seconds is not None and labels and left:
        told.append(f"{about(left * seconds)} left")
    return ", ".join(told)


def about(seconds: float) -> str:
    """`about 2 h`: one figure of time that is but an estimate."""
    if seconds < 60:
        return "less than 1 min"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60):,} min"
    return f"about {round(seconds / _HOUR_S):,} h"


def none_left(why: str | None, progress: Mapping[str, Any], labeller: str) -> tuple[str, str]:
    """What stands in place of an item: that there is none, and why, with what can be done."""
    mine = (progress.get("mine") or {}).get("labels") or 0
    items, done = progress.get("items") or 0, progress.get("done") or 0
    if not items and why not in {"closed", "not a labeller"}:
        return "This queue has no items yet.", "Send traces to it from Traces, or fill it from its page."
    return {
        "closed": ("This queue is closed.", "Nobody is handed an item until it is opened again on its page."),
        "not a labeller": (
            f"{fmt.clip(labeller, 80)} is not among the labellers of this queue.",
            "Give the name under which you are listed, or have yourself added on the queue's page.",
        ),
        "all taken": (
            "Others have the last items before them.",
            "What they do not save comes back when their time with it is over. This page asks again by itself.",
        ),
    }.get(str(why), _all_done(items, done, mine))


def _all_done(items: int, done: int, mine: int) -> tuple[str, str]:
    yours = f"{fmt.count(mine)} of the labels {'is' if mine == 1 else 'are'} yours."
    if done >= items:
        return "Every item has its labels.", f"{fmt.plural(items, 'item is', 'items are')} done; {yours}"
    left = fmt.plural(items - done, "item")
    return (
        "Nothing is left for you.",
        f"You have labelled or skipped all that you may. Others still have {left} to finish.",
    )
