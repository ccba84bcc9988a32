"""The list of datasets; a way to begin one, and to fill it from a file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from app import data, data_datasets, listing, runs, widgets
from app import format as fmt
from app.listing import Cell, Column

Row = dict[str, Any]

CHOSEN, VIEW, ITEM, VERSION = "dataset", "view", "item", "version"  # in the URL
FIND, START = "dataset_find", "start"  # in the URL of the list: its search, and with which row its page begins
PAGE = 50
COMMAND = "assay datasets import NAME FILE"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# Session state: what the last import did; what would be of files that were chosen.
_SAID, _ASKED = "import-said", "import-asked"
FIELDS = (
    "metadata", "id", "question", "reference", "answer", "contexts", "reference_contexts", "system", "messages",
    "tools", "tool_calls", "reference_tool_calls", "tags", "split", "source",
)  # fmt: skip
_CHOICES = {
    "skip": "leave them out", "replace": "put them in the place of the items of their id",
    "keep": "add them under ids of their own",
}  # fmt: skip


def chosen() -> str:
    """The name of the dataset that the URL asks for; '': of none."""
    return str(st.query_params.get(CHOSEN) or "")


def path(name: str, **more: str) -> str:
    """A link to a dataset."""
    return f"datasets?{urlencode({CHOSEN: name} | more)}"


def overview() -> None:
    """One sentence, and the table."""
    with st.skeleton(height=300):
        every = data_datasets.datasets()
    with st.container(horizontal=True, vertical_alignment="center"):
        text = widgets.search(FIND, "Search names and descriptions", 280, (START,)) if every else ""
        st.space("stretch")
        if every:
            _csv(_matching(every, text))
        new([one["name"] for one in every])
    if not every:
        widgets.empty(
            "Datasets would be listed here.",
            "None was made yet. Import a file of questions and expected answers, or add traces from the page Traces.",
            _how,
        )
        return
    found = _matching(every, text)
    if not found:
        widgets.empty("Datasets would be listed here.", f"None of {len(every):,} matches the search.")
        return
    st.markdown(finding(found))
    listing.listing("datasets", "Datasets", COLUMNS, [_line(one) for one in _of_page(found)])
    st.caption(f"Times in {widgets.zone()}. Keys: j k move, Enter opens.")


def _matching(every: Sequence[Row], text: str) -> list[Row]:
    """Those with the text in their name or description, whatever its case."""
    return [one for one in every if text.casefold() in f"{one['name']}\n{one['description']}".casefold()]


def _of_page(found: Sequence[Row]) -> Sequence[Row]:
    """The rows of the page that the URL asks for; with links to those beside, where there are several."""
    typed = str(st.query_params.get(START) or "")
    start = min(int(typed[:9]) if typed.isascii() and typed.isdecimal() else 0, len(found) - 1) // PAGE * PAGE
    if len(found) > PAGE:
        kept = {FIND: str(st.query_params[FIND])} if st.query_params.get(FIND) else {}
        with st.container(horizontal=True, vertical_alignment="center"):
            last = min(start + PAGE, len(found))
            before = kept | {START: str(start - PAGE)} if start else None
            after = kept | {START: str(last)} if last < len(found) else None
            place = f"Datasets {start + 1:,} to {last:,} of {len(found):,}"
            widgets.pages("views/datasets.py", before, after, place)
    return found[start : start + PAGE]


def _csv(found: Sequence[Row]) -> None:
    """All that the search keeps, not the page in sight alone."""
    rows = [
        {
            "name": one["name"], "description": one["description"], "items": one["items"], "version": one["version"],
            "splits": splits(one["splits"]), "changed_at": (one["newest"] or {}).get("made_at", one["created_at"]),
            "note": (one["newest"] or {}).get("note", ""), "author": (one["newest"] or one)["author"],
            "runs": one["runs"],
        }
        for one in found
    ]  # fmt: skip
    widgets.csv(pd.DataFrame(rows), "datasets")


def _how() -> None:
    st.code(COMMAND, language="bash")
    st.page_link("views/traces.py", label="Traces", icon=":material/account_tree:")


def finding(found: Sequence[Row]) -> str:
    """How many there are, and how many are in use: `3 datasets with 1,204 items; 2 were taken by runs`."""
    items, used = sum(one["items"] for one in found), sum(bool(one["runs"]) for one in found)
    taken = f"{used:,} {'was' if used == 1 else 'were'} taken by runs" if used else "none was taken by a run yet"
    return f"{fmt.plural(len(found), 'dataset')} with {fmt.plural(items, 'item')}; {taken}."


COLUMNS = (
    Column("Dataset", "minmax(220px, 1.8fr)", link=True),
    Column("Items", "84px", "right"),
    Column("Version", "70px", "right", "The newest; each change makes one"),
    Column("Splits", "minmax(130px, 1.2fr)"),
    Column("Changed", "98px"),
    Column("Newest change", "minmax(160px, 2fr)"),
    Column("Runs", "56px", "right", "Runs of suites that took it"),
)


def _line(one: Row) -> listing.Row:
    newest = one["newest"]
    at = runs.at(newest["made_at"] if newest else one["created_at"])
    return listing.Row(
        path(one["name"]),
        [
            Cell(one["name"], one["description"] or one["name"]),
            Cell(f"{one['items']:,}"),
            Cell(f"{one['version']:,}" if newest else "—", quiet=not newest),
            Cell(splits(one["splits"]) or "—", quiet=not splits(one["splits"])),
            Cell(fmt.narrow(at, widgets.zone(), datetime.now(UTC)), fmt.utc(at)),
            Cell(fmt.clip(change_words(newest), 200) if newest else "made, without items yet", quiet=not newest),
            Cell(f"{one['runs']:,}", quiet=not one["runs"]),
        ],
    )


def splits(counts: Mapping[str, int]) -> str:
    """`test 200, train 800`; '' where no item is in any."""
    named = [f"{name} {count:,}" for name, count in counts.items() if name]
    return ", ".join([*named, *([f"none {counts['']:,}"] if named and counts.get("") else [])])


def change_words(version: Mapping[str, Any]) -> str:
    """`12 added, 1 removed by ada: corrected`: what a version added, changed and removed."""
    kinds = ("added", "changed", "removed")
    counts = ", ".join(f"{version[kind]:,} {kind}" for kind in kinds if version[kind]) or "same items"
    by = f" by {version['author']}" if version["author"] else ""
    return f"{counts}{by}{': ' + version['note'] if version['note'] else ''}"


def new(taken: Sequence[str]) -> None:
    """Begin a dataset: a name, and what it is; then it is open, to be filled."""
    with st.popover("New dataset", icon=":material/add:", key="new-dataset", on_change="rerun") as popover:
        if not popover.open:
            return
        name = st.text_input("Name", key="new-name", placeholder="letters, digits, - _ .", width=320).strip()
        about = st.text_input(
            "What it is", key="new-about", placeholder="Questions to support, with answers", width=320
        )
        if problem := name_problem(name, taken):
            st.caption(problem)
            return
        st.button("Make it", key="make-dataset", type="primary", on_click=_make, args=(name, about))
        if refused := st.session_state.pop("make-refused", None):
            st.error(fmt.plain(refused, 300), icon=":material/error:")


def name_problem(name: str, taken: Sequence[str]) -> str:
    """Why a new dataset cannot have the name; '': it can."""
    if not name:
        return "Name the dataset; suites take it by its name."
    if not _NAME.fullmatch(name):
        return "A name has letters, digits, dots, dashes and underscores, and begins with a letter or digit."
    return f"There is a dataset named {fmt.plain(name)} already." if name in taken else ""


def _make(name: str, about: str) -> None:
    try:
        data_datasets.create(name, about)
    except data.ApiError as error:
        st.session_state["make-refused"] = str(error)
        return
    st.query_params[CHOSEN] = name


def import_button(name: str) -> None:
    """Opens the dialog."""
    if st.button("Import", key="import", icon=":material/upload:"):
        for key in (_SAID, _ASKED):
            st.session_state.pop(key, None)
        _import(name)


@st.dialog("Import items", width="large", on_dismiss="rerun")
def _import(name: str) -> None:
    """A file, what its columns become, what is to become of duplicates; then it is taken."""
    if said := st.session_state.get(_SAID):
        st.success(fmt.plain(said, 400), icon=":material/check:")
        if st.button("Close", key="import-close"):
            st.rerun()
        return
    file = st.file_uploader(
        "JSON lines, CSV or Parquet", ["jsonl", "ndjson", "csv", "parquet", "gz"], key="import-file"
    )
    if file is None:
        st.caption(
            "A row is an item. Usual names are understood: input, prompt or query is the question; expected or "
            "ground_truth the reference; context or documents the contexts."
        )
        return
    fields = _mapping(name, file)
    told = None if fields is None else _would_be(name, file, fields)
    if fields is None or told is None:
        return
    _preview(told)
    how = _how_duplicates(told)
    note = st.text_input("Note", f"Import of {file.name}", key="import-note")
    tags = st.text_input("Tags for all of them", key="import-tags", placeholder="a, b")
    more = {"fields": fields, "duplicates": how, "note": note, "tags": tags, "base": told["base"]}
    st.button("Import", key="import-go", type="primary", on_click=_take, args=(name, file, more))
    if refused := st.session_state.pop("import-refused", None):
        st.error(fmt.plain(refused, 600), icon=":material/error:")


def _mapping(name: str, file: Any) -> dict[str, str] | None:
    """What each column becomes, as it is edited; null: the file cannot be read, and it says why."""
    told = _would_be(name, file, {})
    if told is None:
        return None
    columns = told["columns"]
    frame = pd.DataFrame({"Column": [one["column"] for one in columns], "becomes": [one["field"] for one in columns]})
    st.markdown("**Columns**")
    edited = st.data_editor(
        frame, key=f"import-columns-{file.file_id}", hide_index=True, disabled=["Column"], height="content",
        column_config={"becomes": st.column_config.SelectboxColumn("becomes", options=list(FIELDS), required=True)},
    )  # fmt: skip
    for one in columns:
        if one["near"] and one["field"] == "metadata":
            said = f"{one['column']} is no field and goes to metadata; did you mean {one['near']}?"
            st.caption(fmt.plain(said, 200))
    pairs = zip(edited["Column"], edited["becomes"], frame["becomes"], strict=True)
    return {field: column for column, field, usual in pairs if field not in {usual, "metadata"}}


def _would_be(name: str, file: Any, fields: Mapping[str, str]) -> Row | None:
    """What would be of the file; null: it cannot be taken, and it says why. Asked once for a file and its mapping."""
    asked: dict[Any, Any] = st.session_state.setdefault(_ASKED, {})
    key = (name, file.file_id, tuple(sorted(fields.items())))
    if key not in asked:
        try:
            asked[key] = data_datasets.take_in(name, file.name, file.getvalue(), fields=dict(fields), dry_run=True)
        except data.ApiError as error:
            asked[key] = error
    found = asked[key]
    if isinstance(found, data.ApiError):
        _refused(found)
        return None
    return dict(found)


def _refused(error: data.ApiError) -> None:
    st.error("**It cannot be taken as it is.**", icon=":material/error:")
    for line in str(error).splitlines()[:8]:
        st.text(fmt.clip(line, 400))


def _preview(told: Row) -> None:
    """The first of its items."""
    st.markdown(f"**First of {fmt.plural(told['rows'], 'row')}**")
    samples = pd.DataFrame(
        [
            {"Id": one["id"], "Asks": one["asked"], "Reference": one["reference"], "Split": one["split"] or ""}
            for one in told["samples"]
        ]
    )
    if len(samples):
        st.dataframe(samples, hide_index=True, height="content")


def _how_duplicates(told: Row) -> str:
    words = {
        "taken": "have the id of an item that holds something else", "repeated": "have an id that the file has before",
        "same": "ask what an item of another id asks",
    }  # fmt: skip
    said = [f"{fmt.plural(told[kind], 'row')}: they {what}" for kind, what in words.items() if told[kind]]
    if told["unchanged"]:
        st.caption(f"{fmt.plural(told['unchanged'], 'row holds', 'rows hold')} what the dataset holds already.")
    if not said:
        return "skip"
    st.warning(f"{'; '.join(said)}.", icon=":material/content_copy:")
    how = str(st.radio("These duplicates", list(_CHOICES), format_func=_CHOICES.__getitem__, key="import-duplicates"))
    if told["loses"]:
        st.caption(fmt.plain(f"Put in their place, {told['loses']}", 300))
    return how


def _take(name: str, file: Any, more: Mapping[str, Any]) -> None:
    try:
        told = data_datasets.take_in(name, file.name, file.getvalue(), check=True, **more)
    except data.ApiError as error:
        st.session_state["import-refused"] = str(error)
        st.session_state.pop(_ASKED, None)
        return
    st.session_state.pop(_ASKED, None)
    version = told["version"]
    said = "Nothing changed: the dataset holds all of it."
    if version is not None:
        said = f"Version {version['version']}: {version['added']:,} added, {version['changed']:,} changed."
    left = f" {fmt.plural(told['left_out'], 'row')} left out." if told["left_out"] else ""
    lost = f" {told['loses']}" if told["loses"] else ""
    st.session_state[_SAID] = said + left + lost + checks_words(told.get("checks"))


def checks_words(counts: Mapping[str, int] | None) -> str:
    """What checks found, by a word each; '': nothing, or they were not made."""
    named = {
        "exact": "exact duplicates", "near": "near duplicates", "leak_exact": "leaks", "leak_near": "near leaks",
        "leak_cluster": "clusters in two splits", "empty": "empty fields", "long": "over-long fields",
        "ids": "like ids",
    }  # fmt: skip
    said = [f"{count:,} {named[check]}" for check, count in (counts or {}).items() if count]
    return f" Checks found {', '.join(said)}: see Checks." if said else ""
