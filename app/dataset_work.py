"""What belongs to a dataset beside its items: versions and their differences, checks, splits, exports, runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from app import data, data_datasets, data_runs, dataset_item, datasets, listing, runs, widgets, wordings
from app import format as fmt
from app.listing import Cell, Column

Row = dict[str, Any]

_KINDS = ("added", "changed", "removed")
_SHOWN = 20  # differences, and findings of one check, that are drawn
_SAID = "work-said"  # session state: what became of the last change
_FOUND = "check-found"  # session state: what the checks found, of which version
_NAMES = {
    "exact": "Exact duplicates", "near": "Near duplicates", "leak_exact": "Leaks: the same in two splits",
    "leak_near": "Leaks: nearly the same in two splits", "leak_cluster": "Leaks: one cluster in two splits",
    "empty": "Empty fields", "long": "Over-long fields", "ids": "Ids",
}  # fmt: skip
_FIXES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "exact": (("drop_exact", "Drop all but the first"),), "near": (("drop_near", "Drop all but the first"),),
    "leak_exact": (("move_leaks", "Move into one split"), ("drop_leaks", "Drop from the smaller split")),
    "empty": (("drop_empty", "Drop those that ask nothing"),),
}  # fmt: skip


def told() -> None:
    """What became of the last change."""
    said = st.session_state.pop(_SAID, None)
    if said is not None:
        (st.success if said[0] else st.error)(fmt.plain(said[1], 600))


def _done(made: Row | None) -> None:
    words = "Nothing changed." if made is None else (
        f"Saved as version {made['version']:,}: {made['added']:,} added, {made['changed']:,} changed, "
        f"{made['removed']:,} removed."
    )  # fmt: skip
    words = " ".join([words, *(made or {}).get("sentences", ())])
    st.session_state[_SAID] = (True, words)


def versions(of: Row) -> None:
    """All versions, and what differs between two."""
    every = of["versions"]
    if not every:
        widgets.empty("Versions would be listed here.", "Nothing was put into the dataset yet.")
        return
    listing.listing("versions", "Versions", VERSIONS, [_version(of["name"], one) for one in every])
    numbers = [one["version"] for one in every]
    st.markdown("**Difference**")
    left, right, _ = st.columns((1, 1, 2))
    newer = left.selectbox("Version", numbers, key=f"newer-{of['name']}")
    older = right.selectbox("Against", [*numbers[1:], 0], key=f"older-{of['name']}", format_func=_number)
    if newer is None or older is None:
        return
    found = data_datasets.diff(of, *sorted((int(older), int(newer))), page_size=_SHOWN)
    counts = ", ".join(f"{found[kind]:,} {kind}" for kind in ("added", "changed", "removed"))
    st.markdown(f"From version {found['older']:,} to {found['newer']:,}: {counts}.")
    for one in found["items"]:
        with st.expander(fmt.plain(f"{one['change']} {one['id']}: {', '.join(one['fields'])}", 160)):
            dataset_item.differences(one["before"], one["after"])
    total = found["added"] + found["changed"] + found["removed"]
    if total > len(found["items"]):
        widgets.cut(len(found["items"]), total, "items")


def _number(version: int) -> str:
    return f"{version:,}" if version else "before the first"


VERSIONS = (
    Column("Version", "70px", link=True),
    Column("Made", "98px"),
    Column("Items", "84px", "right"),
    Column("Added", "70px", "right"),
    Column("Changed", "74px", "right"),
    Column("Removed", "74px", "right"),
    Column("By", "minmax(70px, 0.6fr)"),
    Column("Note", "minmax(160px, 2fr)"),
    Column("Content", "96px", help="Equal for versions that hold the same"),
)


def _version(name: str, one: Row) -> listing.Row:
    at = runs.at(one["made_at"])
    return listing.Row(
        datasets.path(name, **{datasets.VERSION: str(one["version"])}),
        [
            Cell(f"{one['version']:,}"), Cell(fmt.narrow(at, widgets.zone(), datetime.now(UTC)), fmt.utc(at)),
            Cell(f"{one['items']:,}"), *(Cell(f"{one[kind]:,}", quiet=not one[kind]) for kind in _KINDS),
            Cell(fmt.clip(one["author"] or "", 60)), Cell(fmt.clip(one["note"], 200), one["note"]),
            Cell(one["content"][:12], one["content"], quiet=True),
        ],
    )  # fmt: skip


def checks(of: Row) -> None:
    """What the checks find in the version that is shown, and what can be done about it."""
    if not of["versions"]:
        widgets.empty("Findings would be listed here.", "Nothing was put into the dataset yet.")
        return
    rule = _rule(of)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        near = st.number_input(
            "Near duplicates from", 0.5, 1.0, 0.9, 0.05, key="check-near", width=180,
            help="Likeness of their words: 1 for the same words in the same order, 0 for none in common",
        )  # fmt: skip
        by = st.text_input(
            "Cluster", (rule or {}).get("by") or "", key="check-by", width=200, placeholder="member of metadata",
            help="Items with one value of it belong together, such as a document or a customer",
        )  # fmt: skip
        ran = st.button("Check", key="run-checks", type="primary", icon=":material/rule:")
    wanted = {"version": of["shown"], "near": near, "by": by.strip() or None}
    if ran:
        answer = widgets.patiently(
            st.container(), "Comparing the items", lambda: data_datasets.check(of["name"], wanted), 5.0
        )
        st.session_state[_FOUND] = (of["name"], of["shown"], answer)
    told()
    name, version, found = st.session_state.get(_FOUND, (None, None, None))
    if name != of["name"] or version != of["shown"] or found is None:
        st.caption(
            "Duplicates, near duplicates, leaks across splits, empty and over-long fields, ids that are nearly one."
        )
        return
    for one in found["findings"]:
        _finding(of, one, wanted)


def _finding(of: Row, one: Row, wanted: Mapping[str, Any]) -> None:
    name, check = of["name"], one["check"]
    icon = ":material/check:" if not one["count"] else ":material/error:"
    with st.expander(f"{_NAMES[check]}: {one['count']:,}", icon=icon, expanded=bool(one["count"])):
        st.markdown(fmt.plain(one["sentence"], 600))
        if one["count"] and of["shown"] == of["version"]:
            with st.container(horizontal=True):
                for fix, label in _FIXES.get(check, _FIXES["leak_exact"] if check.startswith("leak") else ()):
                    st.button(
                        label, key=f"fix-{check}-{fix}", on_click=_fix, args=(name, dict(wanted) | {"fix": fix}),
                        help="Makes a new version; this one stays as it is",
                    )  # fmt: skip
        for named in one["named"][:_SHOWN]:
            _named(name, named)
        if one["cut"] or len(one["named"]) > _SHOWN:
            widgets.cut(min(_SHOWN, len(one["named"])), one["count"], "findings")


def _named(name: str, named: Row) -> None:
    """The items of a finding as links, and how their texts differ."""
    with st.container(horizontal=True, vertical_alignment="center"):
        for place, item in enumerate(named["items"][:4]):
            split = f" ({named['splits'][place]})" if named["splits"][place] else ""
            st.page_link(
                "views/datasets.py", label=fmt.plain(f"{item}{split}", 60),
                query_params={datasets.CHOSEN: name, datasets.ITEM: item},
            )  # fmt: skip
        more = named.get("of", 0) - len(named["items"][:4])
        said = [
            *([f"and {more:,} more"] if more > 0 else []),
            *([f"alike by {named['likeness']:.2f}"] if named.get("likeness") is not None else []),
            *([f"{', '.join(named['differ'])} differ"] if named.get("differ") else []),
            *(["their references differ"] if named.get("references_differ") else []),
            *([str(named["field"])] if named.get("field") else []),
        ]
        st.caption(fmt.plain(", ".join(said), 200) or " ", width="content")
    texts = named["texts"]
    if len(texts) == 2:
        st.html(wordings.compared(texts[0], texts[1]))
    elif texts:
        st.text(fmt.clip(texts[0], 300))


def _fix(name: str, wanted: Mapping[str, Any]) -> None:
    try:
        found = data_datasets.check(name, wanted)
    except data.ApiError as error:
        st.session_state[_SAID] = (False, str(error))
        return
    _done(found["made"])
    st.session_state.pop(_FOUND, None)


def _rule(of: Row) -> Row | None:
    rule: Row | None = of["versions"][0]["rule"] if of["versions"] else None
    return rule


def splits(of: Row) -> None:
    """How the items are split, and a rule that splits them."""
    if not of["versions"]:
        widgets.empty("Splits would be shown here.", "Nothing was put into the dataset yet.")
        return
    rule, counts = _rule(of), of["splits"]
    told()
    total = sum(counts.values()) or 1
    for name, count in counts.items():
        st.progress(
            count / total,
            fmt.plain(f"{name or 'in no split'}: {fmt.plural(count, 'item')}, {fmt.percent(count / total)}", 160),
        )
    if rule:
        parts = ", ".join(f"{name} {share:.3g}" for name, share in rule["parts"])
        by = f"metadata {rule['by']}" if rule["by"] else "the id"
        st.caption(fmt.plain(f"Rule: {parts}, by {by}, seed {rule['seed']}. New items get their split by it.", 300))
    st.markdown("**Split by a rule**")
    left, middle, right = st.columns((2, 1, 2))
    typed = left.text_input("Parts", "train 0.8, test 0.2", key="split-parts", help="Name and share, between commas")
    seed = middle.number_input("Seed", 0, 2**31, 0, key="split-seed")
    by_typed = right.text_input(
        "Cluster", (rule or {}).get("by") or "", key="split-by", placeholder="member of metadata; empty: the id",
        help="Items with one value of it lie in one split, so that no document or user is both trained and tested on",
    )  # fmt: skip
    keep = st.checkbox("Items that have a split keep it", key="split-keep")
    parts_told = parts_of(typed)
    if parts_told is None:
        st.caption("Write each part as its name and share, such as: train 0.8, test 0.2.")
        return
    note = f"Split {typed}, seed {int(seed)}{f', by {by_typed.strip()}' if by_typed.strip() else ''}."
    wanted = {
        "base": of["version"], "parts": parts_told, "seed": int(seed), "by": by_typed.strip() or None, "keep": keep,
        "note": note,
    }  # fmt: skip
    st.button("Split", key="split-go", type="primary", on_click=_split, args=(of["name"], wanted))
    st.caption(
        "An item's split follows from a hash of the seed and its cluster alone: items that come later move no others."
    )


def parts_of(typed: str) -> dict[str, float] | None:
    """`train 0.8, test 0.2`; null: it is not so written."""
    found = {}
    for part in typed.split(","):
        name, _, share = part.strip().rpartition(" ")
        number = fmt.finite(_number_of(share))
        if not name.strip() or number is None or number <= 0:
            return None
        found[name.strip()] = number
    return found


def _number_of(text: str) -> float | None:
    try:
        return float(text.strip().rstrip("%"))
    except ValueError:
        return None


def _split(name: str, wanted: Mapping[str, Any]) -> None:
    try:
        _done(data_datasets.split(name, wanted))
    except data.ApiError as error:
        st.session_state[_SAID] = (False, str(error))


_FORMATS = {
    "jsonl": "JSON lines: all that items hold", "csv": "CSV: lists and metadata as JSON", "parquet": "Parquet",
    "openai": "OpenAI fine-tuning: a conversation a line",
}  # fmt: skip
_ENDS = {"jsonl": "jsonl", "csv": "csv", "parquet": "parquet", "openai": "openai.jsonl"}


def export(of: Row) -> None:
    """The version that is shown as a file."""
    if not of["versions"]:
        widgets.empty("A file of the items could be made here.", "Nothing was put into the dataset yet.")
        return
    left, right = st.columns(2)
    kind = str(left.selectbox("Format", list(_FORMATS), format_func=_FORMATS.__getitem__, key="export-format"))
    names = {"": "all items"} | {name: f"split {name}" for name in of["splits"] if name}
    split = right.selectbox("Items", list(names), format_func=names.__getitem__, key="export-split")
    answers = kind == "openai" and st.checkbox(
        "Train on recorded answers where there is no reference", key="export-answers"
    )  # fmt: skip
    if not st.button("Make the file", key="export-make", type="primary"):
        st.caption(
            "OpenAI demands at least 10 examples. Items without an answer to train on are left out and counted."
            if kind == "openai" else "The file tells ids: imported again, what is the same stays as it is."
        )  # fmt: skip
        return
    content, said = data_datasets.export(of["name"], of["shown"], kind, split=split or None, answers=answers)  # type: ignore[arg-type]  # of the formats
    st.markdown(f"{fmt.plural(said['items'], 'item')} of version {said['version']:,}.")
    for words in said["sentences"]:
        st.warning(fmt.plain(words, 300), icon=":material/warning:")
    file = f"{of['name']}-v{said['version']}{f'-{split}' if split else ''}.{_ENDS[kind]}"
    st.download_button("Download", content, file, key="export-get", icon=":material/download:", on_click="ignore")


def runs_of(of: Row) -> None:
    """Runs of suites that took the dataset, with the version that each took."""
    told_of = {one["run_id"]: one["version"] for one in of["runs"]}
    if not told_of:

        def action() -> None:
            st.code(f"dataset: {{stored: {of['name']}}}", language="yaml")
            st.page_link("views/suites.py", label="Suites", icon=":material/checklist:")

        widgets.empty("Runs that took it would be listed here.", "None did yet. A suite takes it by its name:", action)
        return
    found = [one for one in data_runs.runs(most=1000) if one["run_id"] in told_of]
    st.markdown(f"{fmt.plural(len(told_of), 'run')} took it, of {fmt.plural(len({*told_of.values()}), 'version')}.")
    runs.table(found, {}, "Runs of the dataset")
    words = ", ".join(f"{one['suite']} version {told_of[one['run_id']]}" for one in found[:10])
    st.caption(fmt.plain(f"Taken, the newest first: {words}", 400))
