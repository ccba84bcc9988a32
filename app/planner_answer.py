"""What a plan says: the sentence first, then at most five numbers, the curves, the table, the command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app import charts_plan, compare_controls, listing, widgets
from app import format as fmt
from app.listing import Cell, Column
from app.widgets import Tile

Found = Mapping[str, Any]
DAY_NS = 86_400e9
_HIGHEST = 0.999  # chance that is drawn
MARKS = {"needed": ("needed", "green"), "pilot": ("pilot", "orange")}


def section(found: Found) -> None:
    """The whole answer."""
    st.markdown(f"**{fmt.plain(found['sentence'], 600)}**")
    if found["beside"]:
        st.markdown(" ".join(fmt.plain(text, 400) for text in found["beside"]))
    widgets.tiles(*_tiles(found))
    left, right = st.columns(2, gap="large")
    with left:
        _draw(_power(found), "plan-power", "The chance to see the difference by items; the table says the same")
    with right:
        _draw(_size(found), "plan-size", "Items that are needed by difference; the table says the same")
    _table(found)
    st.caption("The same on the command line")
    st.code(found["command"], language="bash")
    _limits(found)


def _draw(figure: go.Figure, key: str, alt: str) -> None:
    st.plotly_chart(figure, theme=None, key=key, config={"displayModeBar": False}, alt=alt)


def amount(found: Found, size: float | None) -> str:
    """A difference with its unit: points of a share."""
    if size is None:
        return fmt.UNKNOWN
    if found["share"]:
        return f"{fmt.digits(100 * size)} {'point' if round(100 * size, 9) == 1 else 'points'}"
    if found["unit"] == "USD":
        return fmt.mean_cost(size)
    if found["unit"] == "ms":
        return fmt.duration(size * 1e6)
    return fmt.digits(size) + (f" {found['unit']}" if found["unit"] else "")


def time(days: float | None) -> str:
    """How long items take to come."""
    return fmt.UNKNOWN if days is None else fmt.duration(days * DAY_NS)


def _tiles(found: Found) -> list[Tile]:
    noun, pilot = found["noun"], found["pilot_items"]
    sure = f"{found['low']:,} to {found['high']:,} by the pilot" if found["low"] is not None else str(found["method"])
    shown = [
        Tile(f"{noun.capitalize()}s a variant", fmt.count(found["items"]), f"{found['method']}, {_level(found)}",
             fmt.plain(sure, 60), []),
    ]  # fmt: skip
    if pilot is not None:
        chance = "none that is drawn" if found["pilot_power"] is None else fmt.percent(found["pilot_power"])
        shown += [
            Tile("The pilot would see", amount(found, found["sees"]), "The smallest difference of that power",
                 f"with {fmt.plural(pilot, noun)}", []),
            Tile("Its chance to see it", chance, f"A difference of {found['amount']}", f"of {found['amount']}", []),
        ]  # fmt: skip
    answers = fmt.plural(found["answers"], "answer")
    shown.append(
        Tile(
            "It will cost",
            fmt.money(found["cost_usd"]),
            "Of all variants together; what judges ask is not in it",
            answers,
            [],
        )
    )
    if found["days"] is not None:
        shown.append(Tile("It will take", time(found["days"]), "Until so many have come", _rate(found), []))
    return shown


def _level(found: Found) -> str:
    return f"{100 * found['level']:.4g} % level, {100 * found['power']:g} % power"


def _rate(found: Found) -> str:
    rate = found.get("per_day")
    return "" if rate is None else f"at {fmt.short(rate)} a day"


def _power(found: Found) -> go.Figure:
    title = f"Chance to see {found['amount']}"
    if found["aim"] == "non-inferior":
        title = f"Chance to show that it is not worse by {found['amount']}"
    subtitle = f"by {found['noun']}s a variant, {_subtitle(found)}"
    rows = pd.DataFrame(found["curves"]["power"])
    return charts_plan.power(rows, (title, subtitle), _marks(found), found["power"], widgets.theme())


def _size(found: Found) -> go.Figure:
    rows = pd.DataFrame(found["curves"]["difference"])
    factor, unit = (100.0, "points") if found["share"] else (1.0, found["unit"] or "")
    heading = (
        f"{found['noun'].capitalize()}s a variant by difference",
        f"at {100 * found['power']:g} % power, {_subtitle(found)}",
    )
    chosen = charts_plan.Chosen(found["delta"] * factor, found["items"], unit)
    rows["difference"] *= factor
    return charts_plan.size(rows, heading, found["factors"], chosen, widgets.theme())


def _subtitle(found: Found) -> str:
    told = f"{100 * found['level']:.4g} % level"
    return f"{told}; band: 95 % interval of the pilot's variance" if found["factors"] else told


def _marks(found: Found) -> dict[str, int]:
    told = {"needed": found["items"]}
    return told if found["pilot_items"] is None else told | {"pilot": found["pilot_items"]}


def _table(found: Found) -> None:
    frame, heading = pd.DataFrame(found["rows"]), f"By number of {found['noun']}s"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{heading}**", width="content")
        st.space("stretch")
        widgets.csv(frame, "plan")
    columns = [
        Column(f"{found['noun'].capitalize()}s a variant", "minmax(110px, 1fr)", "right"),
        Column("", "92px"),
        Column("Chance to see it", "minmax(110px, 1fr)", "right", f"A difference of {found['amount']}"),
        Column("95 % interval", "minmax(130px, 1.2fr)", "right", "From the pilot's variance"),
        Column("Smallest seen", "minmax(110px, 1fr)", "right", f"The difference that {100 * found['power']:g} % find"),
        Column("95 % interval", "minmax(150px, 1.2fr)", "right", "From the pilot's variance"),
        Column("Cost", "minmax(90px, 1fr)", "right", "Of all variants together"),
        Column("Time", "minmax(90px, 1fr)", "right", "Until so many have come"),
    ]
    lines = [_line(found, row) for row in found["rows"]]
    told = [at for at in range(len(columns)) if any(line[at].text not in {"", fmt.UNKNOWN} for line in lines)]
    rows = [listing.Row("", [line[at] for at in told]) for line in lines]
    listing.listing("plan-rows", heading, [columns[at] for at in told], rows)


def _line(found: Found, row: Mapping[str, Any]) -> list[Cell]:
    word, tone = MARKS.get(str(row["mark"]), ("", ""))
    return [
        Cell(fmt.count(row["items"])),
        Cell(word, tone=tone),
        Cell(_share(row["power"]), share=row["power"]),
        Cell(_ends(row["power_low"], row["power_high"], _share), quiet=True),
        Cell(_or_none(found, row["difference"])),
        Cell(_ends(row["difference_low"], row["difference_high"], lambda one: amount(found, one)), quiet=True),
        Cell(fmt.money(row["cost_usd"])),
        Cell(time(row["days"])),
    ]


def _share(value: float | None) -> str:
    if value is None:
        return "< 6 %"
    return fmt.percent(value) if value < _HIGHEST else f"> {fmt.percent(_HIGHEST)}"


def _or_none(found: Found, size: float | None) -> str:
    return "beyond the figure" if size is None else amount(found, size)


def _ends(low: float | None, high: float | None, words: Callable[[float], str]) -> str:
    if low is None or high is None:
        return ""
    first, last = words(low), words(high)
    return last if first == last else f"{first.removesuffix(' %').removesuffix(' points')} to {last}"


def _limits(found: Found) -> None:
    if found.get("notes"):
        with st.expander(f"What the plan takes for granted ({len(found['notes']):,})", expanded=True):
            st.markdown("\n".join(f"- {fmt.plain(text, 500)}" for text in found["notes"]))
    ids = [one["run_id"] for one in found.get("of", ()) if "run_id" in one]
    if len(ids) == 2:
        st.page_link(
            compare_controls.PATH, label="Compare the two runs of the pilot", icon=":material/compare_arrows:",
            query_params=compare_controls.link(ids),
        )  # fmt: skip
