"""What a comparison says: verdicts first, then at most five numbers, then what limits both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import format as fmt
from app import trust, widgets
from app.widgets import Tile

Found = Mapping[str, Any]
WORDS: Mapping[str, tuple[str, Any]] = {
    "better": ("better", "green"), "worse": ("worse", "red"), "no difference found": ("no difference found", "gray"),
    "not enough data": ("not enough data", "orange"), "higher": ("higher", "gray"), "lower": ("lower", "gray"),
    "equivalent": ("equivalent", "blue"), "non-inferior": ("non-inferior", "blue"),
}  # fmt: skip
ICONS = {"better": ":material/trending_up:", "worse": ":material/trending_down:"}
_SHOWN = 12  # sentences in sight; the rest is folded
_OPEN = frozenset({"no difference found", "not enough data"})


def measure(one: Mapping[str, Any]) -> str:
    """What is compared, with the statistic where it is a quantile: `latency p95 (ms)`."""
    unit = f" ({one['unit']})" if one["unit"] else ""
    return fmt.clip(f"{one['title']}{' ' + one['statistic'] if one['q'] is not None else ''}{unit}", 80)


def verdicts(found: Found) -> None:
    """A sentence a variant first; then one per measure, the chosen one first, then findings in their order."""
    primary = found["quality"]
    for one in found["headlines"]:
        word, tone = WORDS[one["verdict"]]
        badge = f":{tone}-badge[{ICONS.get(one['verdict'], '')}{' ' * (one['verdict'] in ICONS)}{word}]"
        st.markdown(f"{badge} **{fmt.plain(one['sentence'], 900)}**")
    for text in found["paradoxes"]:
        st.warning(fmt.plain(text, 700), icon=":material/warning:")
    order = sorted(found["pairs"], key=lambda one: (one["metric"] != primary, one["verdict"] in _OPEN))
    _list(order[:_SHOWN])
    if len(order) > _SHOWN:
        with st.expander(f"{fmt.plural(len(order) - _SHOWN, 'more verdict')}"):
            _list(order[_SHOWN:])


def capital(text: str) -> str:
    """The sentence with a large first letter."""
    return text[:1].upper() + text[1:]


def _list(shown: Sequence[Mapping[str, Any]]) -> None:
    st.markdown("\n".join(f"- {fmt.plain(capital(one['sentence']), 600)}" for one in shown))


def value(one: Mapping[str, Any] | None, found: float | None) -> str:
    """A value of a measure with its unit, in three digits; `one`: the measure."""
    if found is None or fmt.absent(found) or one is None:
        return fmt.UNKNOWN
    if one["statistic"] == "share":
        return fmt.percent(found)
    if one["unit"] == "USD":
        return fmt.mean_cost(found)
    if one["unit"] == "ms":
        return fmt.duration(found * 1e6)
    return fmt.short(found) + (f" {one['unit']}" if one["unit"] else "")


def apart(one: Mapping[str, Any], gap: float | None) -> str:
    """A difference with its sign and unit: points of a share."""
    if gap is None or fmt.absent(gap):
        return fmt.UNKNOWN
    sign = "+" if gap > 0 else fmt.MINUS if gap < 0 else ""
    if one["statistic"] == "share":
        points = fmt.digits(100 * abs(gap))
        return f"{sign}{points} {'point' if points == '1' else 'points'}"
    return f"{sign}{value(one, abs(gap))}"


def by_key(found: Found) -> dict[str, Mapping[str, Any]]:
    """Measures by their key."""
    return {one["key"]: one for one in found["measures"]}


def tiles(found: Found) -> None:
    """The measure that counts most, cost, slow calls, failures, items: of the variant; of several, of the best."""
    wanted = [found["quality"], "cost_usd", "latency_ms.p95", "failed"]
    told = by_key(found)
    shown = [_tile(found, told[key]) for key in dict.fromkeys(wanted) if key in told]
    widgets.tiles(*shown[:4], _items(found))


def _tile(found: Found, one: Mapping[str, Any]) -> Tile:
    mine = {row["variant"]: row for row in found["own"] if row["measure"] == one["key"]}
    names = [variant["name"] for variant in found["variants"]]
    base, others = mine[names[0]], [mine[name] for name in names[1:]]
    several = len(others) > 1
    known = [row for row in (mine.values() if several else others) if row["value"] is not None]
    sign = -1 if one["better"] == "lower" else 1
    best = max(known, key=lambda row: sign * row["value"], default=others[0])
    note = (
        f"best of {len(mine):,}: {fmt.clip(best['variant'], 28)}"
        if several
        else f"{fmt.clip(names[0], 28)} {value(one, base['value'])}"
    )
    ends = f"{value(one, best['low'])} to {value(one, best['high'])}"
    exact = f"{fmt.plain(best['variant'])}, 95 % interval {ends}, n = {best['items']:,}"
    label = measure(one) if one["unit"] in {None, "tokens"} else measure({**one, "unit": None})
    return Tile(fmt.plain(capital(label)), value(one, best["value"]), exact, fmt.plain(note), [])


def _items(found: Found) -> Tile:
    if found["source"] == "runs":
        shared = found["shared"]
        least = min(one["shared"] for one in shared)
        of = max(max(one["items"], one["of"]) for one in shared)
        return Tile("Shared items", f"{least:,}", "Items are the same by id and by what they hold", f"of {of:,}", [])
    drawn, calls = (sum(one[name] for one in found["variants"]) for name in ("rows", "calls"))
    unpriced = sum(one["unpriced"] for one in found["variants"])
    note = f"{unpriced:,} without a price" if unpriced else "all have a price"
    return Tile("Calls", fmt.short(calls), f"{drawn:,} of {calls:,} calls were read", note, [])


def trusted(found: Found) -> None:
    """How far the scores that are compared can be trusted: a badge each, its sentence on hover."""
    known = {one["of"]: trust.of(one["of"]) for one in found["measures"] if one["of"]}
    told = {name: badge for name, badge in known.items() if badge is not None}
    if not told:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for name, badge in told.items():
            st.caption(fmt.plain(name, 60), width="content")
            trust.draw(badge)


def limits(found: Found) -> None:
    """What is not compared, how many items are shared, what was left out."""
    if whys := list(dict.fromkeys(one["why"] for one in found["refused"])):
        st.warning("Not compared:\n" + "\n".join(f"- {fmt.plain(why, 500)}" for why in whys), icon=":material/block:")
    overlap = [one for one in found.get("shared", ()) if one["shared"] < max(one["items"], one["of"])]
    for one in overlap:
        st.info(fmt.plain(one["sentence"], 500), icon=":material/join_inner:")
    if found["notes"]:
        with st.expander(f"What the figures leave out, and how they were tested ({len(found['notes']):,})"):
            st.markdown("\n".join(f"- {fmt.plain(text, 500)}" for text in found["notes"]))
