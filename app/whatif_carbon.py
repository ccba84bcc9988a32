"""The view of What-if on energy and carbon: ranges, with what they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app import calls, charts_whatif, data, state, widgets
from app import format as fmt

ZONE = "zone"  # key of the control, and its name in the URL
PROVIDER = "provider"
COMMON = (PROVIDER, "WOR", "USA", "FRA", "DEU", "GBR", "SWE", "IND", "CHN")
Found = Mapping[str, Any]
MASSES = ((1e3, "t"), (1, "kg"), (1e-3, "g"), (1e-6, "mg"))


def view(window: state.Window, found: Found) -> None:
    """Sentence, tiles, figures, tables; the frame around it is that of `app/whatif.py`."""
    st.markdown(finding(window, found))
    calls.known(f"By {found['source']}, of every call that told its output. Always ranges, never one value.")
    if not found["counted"]:
        _unknown(found)
        return
    _tiles(found)
    _figures(found)
    _table(found)
    _unknown(found)


def controls() -> dict[str, data.Param]:
    """Whose electricity; a parameter of the API."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Electricity of", width="content")
        zone = st.selectbox(
            "Electricity of", COMMON, key=ZONE, bind="query-params", accept_new_options=True, width=220,
            label_visibility="collapsed",
            help="A country by three letters, WOR for the world; provider: what EcoLogits assumes of each",
        )  # fmt: skip
    return {"zone": str(zone or PROVIDER)}


def finding(window: state.Window, found: Found) -> str:
    """What the calls took, and of how many that is known."""
    if not found["counted"]:
        return f"What {fmt.plural(found['calls'], 'call')} in {window.words} took is unknown."
    total = found["total"]
    return (
        f"{fmt.plural(found['counted'], 'call')} in {window.words} took {energy(total['kwh_low'], total['kwh_high'])} "
        f"and emitted {mass(total['kg_low'], total['kg_high'])} of CO2 equivalents; {_left_out(found)}."
    )


def _left_out(found: Found) -> str:
    parts = [
        f"{fmt.plural(found['unknown_model'], 'call')} of unknown models" if found["unknown_model"] else "",
        f"{fmt.plural(found['untold'], 'call')} that told no output" if found["untold"] else "",
    ]
    named = " and ".join(filter(None, parts))
    return f"{named} are not in it" if named else "every call is in it"


def energy(low: float | None, high: float | None) -> str:
    """`1.31 to 2.52 MWh`, of kWh."""
    return _ranged(low, high, ((1e3, "MWh"), (1, "kWh"), (1e-3, "Wh"), (1e-6, "mWh")))


def mass(low: float | None, high: float | None) -> str:
    """`508 to 974 kg`, of kg."""
    return _ranged(low, high, MASSES)


def _ranged(low: float | None, high: float | None, units: tuple[tuple[float, str], ...]) -> str:
    if low is None or high is None or fmt.absent(low):
        return fmt.UNKNOWN
    scale, name = next(((scale, name) for scale, name in units if high >= scale), units[-1])
    return f"{fmt.digits(low / scale)} to {fmt.digits(high / scale)} {name}"


def _tiles(found: Found) -> None:
    total, counted = found["total"], found["counted"]
    per = {name: total[name] / counted for name in total}
    where = {row["zone"]: row["kg_per_kwh"] for row in found["assumed"]}
    mixes = ", ".join(f"{zone} {fmt.digits(kg)}" for zone, kg in where.items())
    n = f"n = {fmt.plural(counted, 'call')}"
    widgets.tiles(
        widgets.Tile("Energy", energy(total["kwh_low"], total["kwh_high"]), _exact(total, "kwh"), n, []),
        widgets.Tile("CO2 equivalents", mass(total["kg_low"], total["kg_high"]), _exact(total, "kg"), n, []),
        widgets.Tile("Energy of a call", energy(per["kwh_low"], per["kwh_high"]), _exact(per, "kwh"), "mean", []),
        widgets.Tile(
            "Not in it", fmt.short(found["calls"] - counted), _left_out(found),
            f"of {fmt.plural(found['calls'], 'call')}", [],
        ),
        widgets.Tile(
            "Electricity, kg per kWh", fmt.digits(max(where.values())) if len(where) == 1 else f"{len(where)} mixes",
            fmt.plain(mixes), fmt.plain(mixes), [],
        ),
    )  # fmt: skip


def _exact(values: Mapping[str, float], name: str) -> str:
    return f"{values[f'{name}_low']:.9g} to {values[f'{name}_high']:.9g} {'kWh' if name == 'kwh' else 'kg'}"


def _figures(found: Found) -> None:
    """Emissions by month, and the energy of a call by model; a bar reaches from the least to the most."""
    frame = pd.DataFrame([row for row in found["rows"] if row["kwh_low"] is not None and row["counted"]])
    months = frame.groupby("month")[["kg_low", "kg_high"]].sum().reset_index()
    scale, unit = next(((scale, unit) for scale, unit in MASSES if months["kg_high"].max() >= scale), MASSES[-1])
    months = months.assign(low=months["kg_low"] / scale, high=months["kg_high"] / scale)
    models = frame.groupby("model")[["kwh_low", "kwh_high", "counted"]].sum().reset_index()
    for end in ("low", "high"):
        models[end] = models[f"kwh_{end}"] / models["counted"] * 1000
    models = models.sort_values("high", ascending=False)
    left, right = st.columns(2)
    with left:
        st.plotly_chart(
            charts_whatif.monthly(
                months, unit, f"{unit} of CO2 equivalents, n = {fmt.plural(found['counted'], 'call')}, UTC months",
                widgets.theme(),
            ),
            theme=None, key="whatif-months", config={"displayModeBar": False}, alt="Emissions by month, as ranges",
        )  # fmt: skip
    with right:
        st.plotly_chart(
            charts_whatif.reaches(
                models, "Energy of a call by model", "Wh, from the least to the most", widgets.theme()
            ),
            theme=None, key="whatif-models", config={"displayModeBar": False},
            alt="Energy of a call by model, as ranges",
        )  # fmt: skip


def _table(found: Found) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**By month and model**", width="content")
        st.space("stretch")
        widgets.csv(pd.DataFrame(found["rows"]), "what-if-carbon")
    st.dataframe(
        pd.DataFrame([_row(row) for row in found["rows"]]), hide_index=True, height="content",
        alt="Energy and emissions by month and model",
    )  # fmt: skip
    low, high = found["pue"]
    st.caption(
        fmt.plain(
            f"Source: {found['source']}, its tables and method for inference; nothing is fetched. A range goes from "
            f"the fewest to the most parameters that it gives a model, and from a PUE of {low:g} to {high:g}, the "
            "lowest and highest of its providers. Hardware is in it by the time it is used; training, input and "
            "networks are not. Assumed for every model: servers of eight GPUs of 80 GB, 64 calls at once.",
            900,
        )
    )
    with st.expander("What is assumed of each model", key="whatif-assumed", on_change="rerun") as section:
        if section.open:
            st.dataframe(
                pd.DataFrame([_assumed(row) for row in found["assumed"]]), hide_index=True, height="content",
                alt="What is assumed of each model",
            )  # fmt: skip


def _row(row: Found) -> dict[str, str]:
    return {
        "Month": row["month"][:7], "Model": row["model"] or fmt.UNKNOWN, "Calls": fmt.count(row["calls"]),
        "Told their output": fmt.count(row["told"]),
        "Output tokens": fmt.short(row["output_tokens"] if row["told"] else None),
        "Energy": energy(row["kwh_low"], row["kwh_high"]) if row["told"] else fmt.UNKNOWN,
        "CO2 equivalents": mass(row["kg_low"], row["kg_high"]) if row["told"] else fmt.UNKNOWN,
        "Energy of a call": energy(row["kwh_low_per_call"], row["kwh_high_per_call"]),
    }  # fmt: skip


def _assumed(row: Found) -> dict[str, str]:
    return {
        "Model": row["model"], "Taken for": row["taken_for"],
        "Electricity": f"{row['zone']}, {row['kg_per_kwh']:g} kg/kWh",
        "Notes": " ".join(row["notes"]),
    }  # fmt: skip


def _unknown(found: Found) -> None:
    """Models that the library does not know, with their calls."""
    if found["unknown_models"]:
        named = [f"{row['model'] or 'no model told'} ({row['calls']:,})" for row in found["unknown_models"][:12]]
        more = f" and {len(found['unknown_models']) - 12} more" if len(found["unknown_models"]) > 12 else ""
        st.caption(fmt.plain(f"Unknown to {found['source']}, and counted as such: {', '.join(named)}{more}.", 900))
    if not found["counted"] and found["untold"]:
        st.caption(f"{fmt.plural(found['untold'], 'call')} told no output tokens: have senders record the usage.")
