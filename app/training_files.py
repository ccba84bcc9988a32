"""Training files: their format, what is kept, the card of what would be, and the download."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app import data_training, widgets
from app import format as fmt
from app.compare_controls import choice
from app.data import ApiError
from app.widgets import Tile

Row = Mapping[str, Any]
FORMAT = "format"  # of the URL
NOT_SAID = "(not said yet)"  # licence of what is only looked at
JUDGED = ("openai", "messages", "kto")
GOLD = {"leave_out": "left out", "take": "taken", "only": "only these"}


def files(source: Row, asked: Row) -> None:
    """The controls, what the files would hold, and the download."""
    fit = {one["format"]: one for one in data_training.formats() if asked["kind"] in one["kinds"]}
    if not fit:
        st.info(f"Labels of kind {asked['kind']} make no training file. Choose another field, or make a golden set.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        choice(FORMAT, "Format", {name: one["title"] for name, one in fit.items()}, width=260)
        told = str(st.query_params.get(FORMAT))
        form = fit.get(told) or next(iter(fit.values()))
        good = _good(form, asked)
        with st.popover("Filters", icon=":material/filter_alt:"):
            keep = kept(source)
        with st.popover("Splits and texts", icon=":material/tune:"):
            more = _more(asked)
    wanted = {"source": source, "format": form["format"], "keep": keep, "good": good, **more}
    st.caption(f"{form['trains']} Columns: {', '.join(form['columns'])}.")
    try:
        with st.spinner("Working out what the files would hold", show_time=True):
            card = data_training.card({**wanted, "licence": NOT_SAID})
    except ApiError as error:
        if error.kind != "refused":
            raise
        st.info(fmt.plain(str(error), 600), icon=":material/info:")
        return
    _card(card)
    _download(wanted, card)


def kept(source: Row) -> dict[str, Any]:
    """Which items are taken; of feedback there is nothing to choose."""
    if source["kind"] != "queue":
        st.caption("Corrections of end users are taken as they came.")
        return {}
    return {
        "least_labels": st.number_input(
            "Labels of an item, at least", 1, 20, 1, key="least-labels", bind="query-params"
        ),
        "least_agreement": st.slider(
            "Share of them that agree, at least", 0.0, 1.0, 0.0, 0.05, key="least-agreement", bind="query-params"
        ),
        "gold": st.selectbox(
            "Gold items", list(GOLD), key="gold-items", format_func=lambda one: GOLD[one], bind="query-params",
            help="Items whose right answer was known beforehand.",
        ),
    }  # fmt: skip


def _good(form: Row, asked: Row) -> dict[str, Any]:
    """Which answers are good ones, where the format needs that to be said."""
    if form["format"] not in JUDGED or not (asked["choices"] or asked["kind"] == "numeric"):
        return {}
    if asked["kind"] == "numeric":
        bound = st.number_input("Good from this number on", value=None, key="good-from", bind="query-params", width=200)
        return {"at_least": bound}
    values = [one["value"] for one in asked["choices"]]
    usual = [values[1 if asked["better"] == "lower" else 0]] if asked["kind"] == "binary" else []
    chosen = st.multiselect("Good answers", values, default=usual, key=f"good-{asked['name']}", width=260)
    return {"answers": chosen}


def _more(asked: Row) -> dict[str, Any]:
    train = st.slider("Share of train; validation and test halve the rest", 50, 100, 80, 5, "%d %%", key="train-share")
    rest = (100 - train) / 200
    shares = {"train": train / 100, "validation": rest, "test": rest}
    told = {
        "splits": {name: share for name, share in shares.items() if share},
        "seed": st.number_input("Seed of the splits", 0, 1_000_000, 0, key="split-seed", bind="query-params"),
        "redact": st.toggle("Replace personal data by its type", value=True, key="redact-texts"),
        "contexts": st.toggle("Documents in a system message", key="documents"),
        "names": st.toggle("Name the labellers in the card", key="name-labellers"),
    }
    if asked["kind"] == "correction":
        told["each"] = st.toggle("Take each person's of corrections that differ", key="each-correction")
    return told


def _card(card: Row) -> None:
    first, *others = (one for one in card["sentences"] if " left out: " not in one)  # a table tells these
    st.markdown(f"**{fmt.plain(first, 400)}**")
    if others:
        st.caption(fmt.plain(" ".join(others), 1_500))
    tiles = [
        Tile(name, f"{one['rows']:,}", f"{one['rows']:,} rows", "rows", []) for name, one in card["splits"].items()
    ]
    left, found = sum(card["left_out"].values()), sum(card["redacted"].values())
    tiles.append(Tile("Left out", f"{left:,}", f"{left:,}", "items, rows", []))
    replaced = "of personal data" if card["redaction"]["on"] else "not looked for"
    tiles.append(Tile("Replaced", f"{found:,}", f"{found:,}", replaced, []))
    widgets.tiles(*tiles)
    why, answers = st.columns(2)
    with why:
        counts("Left out", card["left_out"], "why", "items")
    with answers:
        _answers(card)
    shown("First rows", [(f"{one['split']}, item {one['item']}", one["row"]) for one in card["samples"]])


def shown(title: str, told: Sequence[tuple[str, Row]]) -> None:
    """The first of them, folded, by name."""
    if not told:
        return
    st.subheader(title, divider=False)
    for name, row in told[:3]:
        with st.expander(fmt.plain(name, 120)):
            st.code(json.dumps(row, indent=2, ensure_ascii=False), "json", wrap_lines=True, height=260)


def counts(title: str, told: Mapping[str, int], what: str, of: str) -> None:
    """A small table of counts by reason or answer; nothing where there are none."""
    if not told:
        return
    st.subheader(title, divider=False)
    frame = pd.DataFrame({what: list(told), of: list(told.values())})
    st.dataframe(frame, hide_index=True, column_config={of: st.column_config.NumberColumn(width="small", format="%,d")})


def _answers(card: Row) -> None:
    rows = {name: one["answers"] for name, one in card["splits"].items() if one["answers"]}
    if not rows:
        return
    st.subheader("Rows by answer", divider=False)
    frame = pd.DataFrame(rows).fillna(0).astype(int).rename_axis("answer").reset_index()
    st.dataframe(frame, hide_index=True)


def _download(wanted: Mapping[str, Any], card: Row) -> None:
    st.subheader("Download", divider=False)
    licence = st.text_area(
        "Under which licence, or by whose consent, may these texts be trained on?", key="licence", max_chars=5_000,
        height=80, placeholder="Such as: our own support texts; customers agreed by the terms of 2026.",
        help="It is kept in the card. Training on what others wrote needs a ground.",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        ready = len(licence.strip()) > 2 and card["rows"] > 0
        st.download_button(
            "Training files", data_training.archive({**wanted, "licence": licence}) if ready else b"",
            f"{wanted['format']}.zip", "application/zip", icon=":material/download:", on_click="ignore",
            disabled=not ready,
        )  # fmt: skip
        if not card["rows"]:
            st.caption("There is no row to train on: keep more items.")
        elif not ready:
            st.caption("Say the licence or consent first.")
        else:
            st.caption("train, validation and test as JSON lines, the data card, and which item each line is of.")
