"""Golden sets and examples: what labels become beside training files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import data_training
from app import format as fmt
from app.training_files import counts, kept, shown

Row = Mapping[str, Any]


def golden(source: Row, asked: Row) -> None:
    """What a dataset would get, the button that puts it there, and the suite over it."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Dataset", value=_usual(source), key="golden-name", max_chars=100, width=260)
        with st.popover("Filters", icon=":material/filter_alt:"):
            keep = kept(source)
        redact = st.toggle("Replace personal data", key="golden-redact")
    if not name.strip():
        st.info("Name the dataset. It is made where there is none.")
        return
    wanted = {"source": source, "keep": keep, "dataset": name.strip(), "redact": redact}
    told = data_training.golden_to_be(wanted)
    answers = ", ".join(f"{fmt.clip(answer, 40)} {n:,}" for answer, n in told["answers"].items())
    said = f"{fmt.plural(told['items'], 'item')}{': ' if answers else ''}{answers}."
    st.markdown(f"**{fmt.plain(said, 500)}**")
    st.caption("The reference of an item is what people agreed on; its metadata tells by what, of how many votes.")
    counts("Left out", told["left_out"], "why", "items")
    shown("First items", [(one["id"], one) for one in told["samples"]])
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Put into the dataset", type="primary", disabled=not told["items"], icon=":material/database:"):
            _put(wanted)
        if source["kind"] == "queue" and asked["kind"] not in {"text", "spans"}:
            _suite(source, name.strip())


def _usual(source: Row) -> str:
    return f"{source['queue']}-{source['field']}"[:100] if source["kind"] == "queue" else "corrections"


def _put(wanted: Mapping[str, Any]) -> None:
    made = data_training.golden(wanted)
    version = made["version"]
    if version is None:
        st.caption("Nothing changed: the dataset has all of it.")
        return
    st.caption(f"Version {version['version']}: {version['added']:,} added, {version['changed']:,} changed.")
    st.page_link("views/datasets.py", label="Open it", query_params={"dataset": wanted["dataset"]})


def _suite(source: Row, name: str) -> None:
    text = data_training.suite({"source": source, "dataset": name})
    st.download_button(
        "Suite over it", text, f"{name}.yaml", "application/yaml", icon=":material/download:", on_click="ignore",
        help="A judge must say what people agreed on. Name your model in the file.",
    )  # fmt: skip


def examples(source: Row, asked: Row) -> None:
    """Examples of each answer, as a prompt tells them."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        each = st.number_input("Of each answer", 1, 20, 2, key="each-answer", bind="query-params", width=140)
        seed = st.number_input("Seed", 0, 1_000_000, 0, key="example-seed", bind="query-params", width=140)
    told = data_training.examples({"source": source, "each": each, "seed": seed})
    said = f"{fmt.plural(len(told['examples']), 'example')}: {asked['title'] or asked['name']}"
    st.markdown(f"**{fmt.plain(said, 300)}**")
    short = [f"{fmt.clip(answer, 40)} has {n:,} of {each:,}" for answer, n in told["short"].items()]
    st.caption(fmt.plain("; ".join(["Items about which people differ are left out", *short]) + ".", 600))
    if told["examples"]:
        st.code(told["text"], None, wrap_lines=True, height=420)
        st.download_button(
            "YAML", told["yaml"], "examples.yaml", "application/yaml", icon=":material/download:", on_click="ignore"
        )
    counts("Left out", told["left_out"], "why", "items")
