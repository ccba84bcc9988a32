"""The parts of the drift explorer: every signal of two samples, ranked; one of them; the map of inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, cast
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from app import alert, charts_drift, data, data_drift, listing, marks, monitor_signals, state, widgets
from app import format as fmt
from app.drift_controls import KINDS, WHICH, Side, asked_signals, kind_of
from app.listing import Cell, Column

Json = Mapping[str, Any]

SIGNAL = "signal"  # in the URL: which one is looked at
MOST = 20_000  # calls of each side that are read
ALPHA = 0.05
USUAL_S = {"all": 8.0, "numbers": 3.0, "texts": 6.0}
FULL = 4  # a full bar, in multiples of the least effect that counts
TONES: Mapping[str, Literal["red", "green", "gray"]] = {
    "drift": "red", "no drift": "green", "insufficient data": "gray",
}  # fmt: skip
_KEPT = "drift-answer"  # session state: the last answer, with what was asked and when
_SHOWN = 12  # categories of a figure


def overview(current: Side, reference: Side) -> None:
    """Sentence, table, one signal and the map."""
    told, at = _answer(current, reference)
    st.markdown(fmt.plain(str(told["sentence"]), 800))
    _known(told, at, current, reference)
    rows = told["signals"]
    if not rows:
        widgets.empty("Signals of both samples would be listed here.", "Neither has a call in its window.")
        return
    listing.listing("drift-signals", "Signals", COLUMNS, [_line(one) for one in rows])
    _left_out(told)
    left, right = st.columns([5, 6], gap="large")
    with left:
        _one(_looked_at(rows))
    with right:
        _map(told)
    if found := told["markers"]:
        marks.table(found, "drift-markers")


def _answer(current: Side, reference: Side) -> tuple[Json, datetime]:
    """What the server says, and when. Kept till something else is asked for, as it takes seconds: windows go on."""
    kind = kind_of(st.query_params.get(WHICH))
    of = data.place(), kind, tuple(state.mark(_chosen(side)) for side in (current, reference))
    kept = st.session_state.get(_KEPT)
    if kept and kept[0] == of:
        return kept[1], kept[2]
    widgets.drawn()  # the bar says what it waits for
    told = _asked(current, reference, kind)
    st.session_state[_KEPT] = (of, told, datetime.now(UTC))
    return told, st.session_state[_KEPT][2]


def _asked(current: Side, reference: Side, kind: str) -> Json:
    """All signals may take longer than the server allows; then those for which no text is read."""
    asked = {"current": current.asked(), "reference": reference.asked(), "alpha": ALPHA, "most": MOST}
    place = st.container()

    def ask(kind: str) -> Json:
        wanted = asked | {"signals": asked_signals(kind)}
        return widgets.patiently(
            place, "Drawing both samples and testing every signal", lambda: data_drift.drift(wanted), USUAL_S[kind]
        )

    try:
        return ask(kind)
    except data.ApiError as error:
        if kind != "all" or error.kind != "timeout":
            raise
    told = ask("numbers")
    late = f"{KINDS['texts'].capitalize()} took longer than the server allows; they can be asked for alone, above."
    return {**told, "left_out": [late, *told["left_out"]]}


def _chosen(side: Side) -> dict[str, object]:
    """What tells one choice from another: a relative window by its words, as its bounds go on by the minute."""
    fixed = {"since": side.window.since, "until": side.window.until} if _fixed(side.window) else {}
    return {"words": side.window.words, **fixed, **side.where}


def _fixed(window: state.Window) -> bool:
    return window.words.startswith("the chosen time") or window.words == "the reference's time"


def _known(told: Json, at: datetime, current: Side, reference: Side) -> None:
    """What was compared, how much of it, when it was read."""
    zone, n, of = widgets.zone(), told["n"], told["drawn_of"]
    sides = []
    for name, side in (("Current", current), ("reference", reference)):
        since, until = (fmt.moment(end, zone)[:16] for end in (side.window.since, side.window.until))
        total = of[name.lower()]
        drawn = f" of {total:,}" if total > n[name.lower()] else ""
        sides.append(f"{name} {since} to {until}: {n[name.lower()]:,}{drawn} calls")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            fmt.plain(f"{'; '.join(sides)}. Times in {zone}, read at {fmt.clock(at, zone)}.", 400), width="content"
        )
        st.space("stretch")
        st.button(
            "Compare anew", key="drift-anew", icon=":material/refresh:", type="tertiary",
            on_click=st.session_state.pop, args=(_KEPT, None),
        )  # fmt: skip


COLUMNS = (
    Column("Signal", "minmax(150px, 1.5fr)", link=True),
    Column("Verdict", "116px"),
    Column("Reference", "minmax(78px, 0.8fr)", "right", "Mean or share"),
    Column("Current", "minmax(78px, 0.8fr)", "right", "Mean or share"),
    Column("Change", "minmax(170px, 1.6fr)", "right", "Of mean or share, with its 95 % interval by sessions"),
    Column("Effect", "minmax(126px, 1fr)", "right", f"A full bar: {FULL} times the least that counts"),
    Column("Adjusted p", "82px", "right", "Over all signals (Benjamini-Hochberg)"),
    Column("n", "112px", "right", "Values of reference and current"),
)


def _line(one: Json) -> listing.Row:
    unit = one["unit"]
    ratio, p = _ratio(one), fmt.finite(one["p_adjusted"])
    here = {name: value for name, value in st.query_params.items() if name != SIGNAL}
    means = [fmt.finite(one[side]) for side in ("reference", "current")]
    return listing.Row(
        f"drift?{urlencode(here | {SIGNAL: key(one)})}",
        [
            Cell(fmt.clip(one["label"], 100), str(one.get("sentence") or "")),
            Cell(one["verdict"], one.get("why") or "", tone=TONES.get(one["verdict"], "gray")),
            *(Cell("—" if mean is None else monitor_signals.amount(mean, unit), quiet=mean is None) for mean in means),
            _change(one, unit),
            Cell(effect(one), str(one["effect_name"]), share=ratio),
            Cell("not tested" if p is None else alert.p_words(p), quiet=p is None),
            Cell(f"{one['n_reference']:,} → {one['n_current']:,}"),
        ],
    )


def key(one: Json) -> str:
    """What the URL calls it."""
    return ".".join(str(one[part]) for part in ("signal", "score") if one[part])


def _change(one: Json, unit: str | None) -> Cell:
    difference, low, high = (fmt.finite(one[part]) for part in ("difference", "ci_low", "ci_high"))
    if difference is None or one["type"] in {"categorical", "embedding"}:
        return Cell("—", quiet=True)
    said = monitor_signals.apart(difference, unit)
    if low is None or high is None:
        return Cell(said)
    noun = said.partition(" ")[2]
    ends = [monitor_signals.apart(end, unit).removesuffix(f" {noun}" if noun else "") for end in (low, high)]
    whole = f"{said} ({ends[0]} to {ends[1]})"
    return Cell(whole, whole)


def effect(one: Json) -> str:
    """In the unit of its kind: `7.2 pp`, `0.34 sd`, `JS 0.12`, `AUC 0.61`."""
    told = fmt.finite(one["effect"])
    if told is None:
        return fmt.UNKNOWN
    return {
        "rate": f"{fmt.digits(abs(told) * 100)} pp", "numeric": f"{fmt.digits(told)} sd",
        "categorical": f"JS {fmt.digits(told)}", "embedding": f"AUC {fmt.digits(told + 0.5)}",
    }[one["type"]]  # fmt: skip


def _ratio(one: Json) -> float | None:
    """How full the effect's bar is."""
    told, least = fmt.finite(one["effect"]), fmt.finite(one["min_effect"])
    return None if told is None or not least else round(min(1.0, abs(told) / least / FULL), 4)


def _left_out(told: Json) -> None:
    st.caption(
        "Ranked by verdict, adjusted p and effect. Drift: an effect of the least size or more and an adjusted p below "
        f"{ALPHA:g}; too few values are no reassurance. Keys: j k move, Enter opens."
    )
    if said := [str(one) for one in told["left_out"]]:
        with st.expander(f"Left out or not read whole: {len(said):,}", key="drift-left-out"):
            for one in said:
                st.markdown(fmt.plain(one, 600))


# One signal.


def _looked_at(rows: Sequence[Json]) -> Json:
    told = str(st.query_params.get(SIGNAL) or "")
    return next((one for one in rows if key(one) == told), rows[0])


def _one(one: Json) -> None:
    """What is known of a signal, in words and as a figure where its categories moved."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{fmt.plain(one['label'], 100)}**", width="content")
        st.badge(one["verdict"], color=TONES.get(one["verdict"], "gray"))
    st.markdown(fmt.plain(str(one.get("sentence") or one.get("why") or ""), 900))
    if one["moved"]:
        st.plotly_chart(
            charts_drift.moved(
                [(str(which), float(gap)) for which, gap in one["moved"][:_SHOWN]], "Shares that moved",
                f"n = {one['n_reference']:,} and {one['n_current']:,}; current less reference", widgets.theme(),
            ),
            theme=None, key="drift-moved", config={"displayModeBar": False}, alt="Categories whose shares moved",
        )  # fmt: skip
    tested = {
        "Test": str(one["test"] or "none"), "p": _number(one["p"]), "Least effect that counts": _least(one),
        "Sessions": _pair(one["clusters_reference"], one["clusters_current"]),
    }  # fmt: skip
    widgets.fields(tested, 2)


def _number(told: object) -> str:
    known = fmt.finite(told)
    return fmt.UNKNOWN if known is None else alert.p_words(known)


def _least(one: Json) -> str:
    return effect({**one, "effect": one["min_effect"]})


def _pair(first: object, second: object) -> str:
    known = [fmt.finite(one) for one in (first, second)]
    return " → ".join("each call is its own" if one is None else f"{one:,.0f}" for one in dict.fromkeys(known))


# The map.


def _map(found: Json) -> None:
    """Inputs of both groups; a click on a point leads to its trace."""
    told = found["map"]
    if not told or not told["points"]:
        asked = any(one["signal"] == "input_embedding" for one in found["signals"])
        why = "Too few calls of these have a recorded input." if asked else "No text was read, or none is recorded."
        st.markdown("**Meaning of inputs**")
        st.caption(f"A map of inputs would be here. {why}")
        return
    points = pd.DataFrame(told["points"])
    counts = points["side"].value_counts()
    said = ", ".join(f"{counts.get(side, 0):,} {side}" for side in charts_drift.SIDES)
    event = st.plotly_chart(
        charts_drift.embedding_map(points, f"n = {said}; a click offers the trace", widgets.theme()),
        theme=None, key="drift-map", on_select="rerun", selection_mode="points", config={"displayModeBar": False},
        alt="Inputs of both groups by meaning",
    )  # fmt: skip
    st.caption(fmt.plain(str(told["note"]), 400))
    _behind(cast("dict[str, Any]", event), points)


def _behind(event: Mapping[str, Any], points: pd.DataFrame) -> None:
    """The trace of the point that was clicked."""
    found = event.get("selection", {}).get("points", [])
    if not found:
        return
    side = list(charts_drift.SIDES)[int(found[0].get("curve_number", 0))]
    rows = points[points["side"] == side]
    if found[0]["point_index"] >= len(rows):
        return
    row = rows.iloc[found[0]["point_index"]]
    st.text(fmt.clip(str(row["text"]), 300))
    st.page_link(
        "views/trace.py", label=f"Open its trace ({side})", icon=":material/account_tree:",
        query_params=state.trace_link(str(row["trace_id"])),
    )  # fmt: skip
