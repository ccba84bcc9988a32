"""One dataset: its items, and what belongs to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from app import data, data_datasets, dataset_item, dataset_work, datasets, listing, runs, widgets
from app import format as fmt
from app.listing import Cell, Column

Row = dict[str, Any]

PAGE = 50
FIND, TAG, SPLIT = "find", "of_tag", "of_split"  # keys of the filters, and their names in the URL
AFTER, BEFORE = PAGES = "after", "before"  # in the URL: which page of the list
FILTERS = (FIND, TAG, SPLIT)
_NONE = "in no split"


def page(name: str) -> None:
    """The dataset, or one item of it."""
    typed = str(st.query_params.get(datasets.VERSION) or "")
    with st.skeleton(height=400):
        told = _asked(name, _number(typed) if typed else None)
    if told is None or (typed and _number(typed) is None):
        _back()
        _absent(name, typed)
        return
    if item := st.query_params.get(datasets.ITEM):
        dataset_item.page(told, str(item))
        return
    _head(told)
    views: Mapping[str, Callable[[Row], None]] = {
        "Items": _items, "Versions": dataset_work.versions, "Checks": dataset_work.checks,
        "Splits": dataset_work.splits, "Export": dataset_work.export, "Runs": dataset_work.runs_of,
    }  # fmt: skip
    view = st.segmented_control(
        "View", list(views), default="Items", required=True, key=datasets.VIEW, bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    views[str(view)](told)


def _asked(name: str, version: int | None) -> Row | None:
    """The dataset; null: there is none of the name, or it has no such version."""
    try:
        return data_datasets.dataset(name, version)
    except data.ApiError as error:
        if error.status not in {404, 422}:
            raise
        return None


def _number(typed: str) -> int | None:
    """A version as the URL has it; null: it is none."""
    return int(typed) if typed.isascii() and typed.isdecimal() and 0 < int(typed[:10]) < 2**31 else None


def _absent(name: str, typed: str) -> None:
    """That there is no such dataset; or that it has no such version, with a link to the newest."""
    newest = _asked(name, None) if typed else None
    if newest is None:
        widgets.empty("A dataset would be here.", f"There is none named {fmt.plain(name, 80)} here.")
        return
    there = f"the newest is {newest['version']:,}" if newest["version"] else "nothing was put into it yet"
    widgets.empty(
        "A version would be here.",
        f"{fmt.plain(name, 80)} has no version {fmt.plain(typed, 40)}; {there}.",
        lambda: st.page_link("views/datasets.py", label="See the newest", query_params={datasets.CHOSEN: name}),
    )


def _back() -> None:
    with st.container(horizontal=True):
        st.space("stretch")
        st.page_link("views/datasets.py", label="All datasets", icon=":material/arrow_back:")


def _head(told: Row) -> None:
    """Name, which version this is, what can be done."""
    name, newest = told["name"], told["version"]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(fmt.plain(name, 80), anchor=False, width="content")
        st.caption(_version_words(told), width="content")
        if told["shown"] != newest:
            st.page_link("views/datasets.py", label="See the newest", query_params={datasets.CHOSEN: name})
        st.space("stretch")
        datasets.import_button(name)
        st.page_link(
            "views/datasets.py", label="Add item", icon=":material/add:",
            query_params={datasets.CHOSEN: name, datasets.ITEM: dataset_item.NEW},
        )  # fmt: skip
        with st.popover("More", icon=":material/more_horiz:", key="dataset-more", on_change="rerun") as more:
            if more.open:
                _more(told)
        st.page_link("views/datasets.py", label="All datasets", icon=":material/arrow_back:")
    if told["description"]:
        st.caption(fmt.plain(told["description"], 400))


def _version_words(told: Row) -> str:
    if not told["versions"]:
        return "no items yet"
    one = next(row for row in told["versions"] if row["version"] == told["shown"])
    when = fmt.moment(runs.at(one["made_at"]), widgets.zone())[:16]
    by = f" by {one['author']}" if one["author"] else ""
    return fmt.plain(f"version {one['version']:,}, {when}{by}, {fmt.plural(one['items'], 'item')}", 200)


def _more(told: Row) -> None:
    about = st.text_input("What it is", told["description"], key="dataset-about", width=320)
    if about != told["description"]:
        st.button("Save", key="save-about", on_click=data_datasets.describe, args=(told["name"], about))
    st.button("Delete", key="delete-dataset", icon=":material/delete:", on_click=_ask_delete, width="stretch")
    if st.session_state.pop("deleting-dataset", False):
        _delete(told)


def _ask_delete() -> None:
    st.session_state["deleting-dataset"] = True


@st.dialog("Delete this dataset")
def _delete(told: Row) -> None:
    name = told["name"]
    held = f"{fmt.plural(told['items'], 'item')} and {fmt.plural(len(told['versions']), 'version')}"
    st.markdown(
        f"{fmt.plain(name)}, its {held} are forgotten for everyone. Runs that took it keep their rows; "
        "suites that name it find it no more."
    )
    typed = st.text_input("Type its name to delete it", key="delete-name")
    if st.button("Delete it", key="delete-it", type="primary", disabled=typed != name):
        try:
            data_datasets.forget(name)
        except data.ApiError as error:
            st.error(fmt.plain(str(error), 600), icon=":material/error:")
            return
        st.query_params.pop(datasets.CHOSEN, None)
        st.rerun()


def _items(told: Row) -> None:
    """The filters, and a page of the items that they keep."""
    if not told["versions"]:
        widgets.empty(
            "Items would be listed here.",
            "Import a file, add one by hand, or add traces from the page Traces.",
            lambda: st.code(f"assay datasets import {told['name']} FILE", language="bash"),
        )
        return
    by = _filters(told)
    after, before = (str(st.query_params.get(key) or "") for key in PAGES)
    backward = before.isdecimal()
    place = int(before) if backward else int(after) if after.isdecimal() else -1
    split = {_NONE: "", None: None}.get(by[SPLIT], by[SPLIT])
    found = data_datasets.items(
        told, text=by[FIND] or None, tag=by[TAG], split=split, after_place=place, backward=backward, page_size=PAGE
    )
    if not found["items"]:
        widgets.empty("Items would be listed here.", "None matches the filters, or this page is past the end.")
        return
    _pager(told, found)
    kept = {key: str(st.query_params[key]) for key in (*FILTERS, *PAGES, datasets.VERSION) if key in st.query_params}
    listing.listing("items", "Items", COLUMNS, [_line(told["name"], one, kept) for one in found["items"]])
    st.caption("A row opens its item. Keys: j k move, Enter opens.")


def _filters(told: Row) -> dict[str, Any]:
    with st.container(horizontal=True, vertical_alignment="center"):
        widgets.search(FIND, "Search all fields and ids", 300, PAGES)
        for key, what, options in (
            (SPLIT, "split", [name or _NONE for name in told["splits"]]), (TAG, "tag", list(told["tags"])),
        ):  # fmt: skip
            st.selectbox(
                what.capitalize(), options, index=None, key=key, bind="query-params", placeholder=f"any {what}",
                width=180, label_visibility="collapsed", on_change=widgets.first_page, args=(PAGES,),
            )  # fmt: skip
    return {key: st.session_state.get(key) for key in FILTERS}


def _pager(told: Row, found: Row) -> None:
    """Where in the list one is, and the pages beside."""
    first = found["before"] + 1
    last = found["before"] + len(found["items"])
    here = {datasets.CHOSEN: told["name"]}
    here |= {key: str(st.query_params[key]) for key in (*FILTERS, datasets.VERSION) if st.query_params.get(key)}
    with st.container(horizontal=True, vertical_alignment="center"):
        before = here | {BEFORE: str(found["first"])} if first > 1 else None
        after = here | {AFTER: str(found["last"])} if last < found["matching"] else None
        widgets.pages("views/datasets.py", before, after, f"Items {first:,} to {last:,} of {found['matching']:,}")


COLUMNS = (
    Column("Id", "minmax(90px, 0.8fr)", link=True),
    Column("Asks", "minmax(200px, 2.4fr)"),
    Column("Reference", "minmax(140px, 1.6fr)"),
    Column("Split", "80px"),
    Column("Tags", "minmax(70px, 0.8fr)"),
    Column("From", "64px", help="Trace: it was made from one"),
    Column("As of", "60px", "right", "The version from which on it is so"),
)


def _line(name: str, one: Row, kept: Mapping[str, str]) -> listing.Row:
    said, expected = dataset_item.asked(one), dataset_item.text(one.get("reference") or one.get("reference_tool_calls"))
    return listing.Row(
        datasets.path(name, **{datasets.ITEM: one["id"]}, **kept),
        [
            Cell(fmt.clip(one["id"], 80), one["id"]),
            Cell(fmt.clip(said, 300), fmt.clip(said, 1000)),
            Cell(fmt.clip(expected, 200) or "—", quiet=not expected),
            Cell(fmt.clip(one["split"] or "—", 40), quiet=not one["split"]),
            Cell(fmt.clip(", ".join(one["tags"]), 80)),
            Cell("trace" if one.get("source") else "", quiet=True),
            Cell(f"v{one['since_version']:,}", quiet=True),
        ],
    )
