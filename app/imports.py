"""Import: a file is dropped, looked at, and taken in; one import with its counts; all imports so far."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import streamlit as st

from app import alert_actions, data, data_imports, listing, state, widgets
from app import format as fmt
from app.listing import Cell, Column

Row = dict[str, Any]

CHOSEN = "import"  # of the URL: the import that is shown
_UPLOADED = "import-uploaded"  # session state: file of the browser -> upload of the server
_REFUSED = "import-refused"  # session state: why an import could not begin
_FORMATS = {
    "otlp": "OTLP", "langfuse": "Langfuse", "phoenix": "Phoenix", "mlflow": "MLflow", "calls": "Model calls",
    "parquet": "Parquet of an export",
}  # fmt: skip
_WORDS = _FORMATS | {
    "langfuse": "an export of Langfuse", "phoenix": "an export of Phoenix", "mlflow": "traces of MLflow",
    "calls": "plain model calls, one a row",
}  # fmt: skip
_READ = tuple(one for one in _FORMATS if one != "parquet")
_METADATA = "metadata"
_LARGEST_MB = 200
_QUIET = timedelta(minutes=3)  # without a piece, longer than who sends them waits for a server


def chosen() -> str:
    """The import that the URL names; '': none."""
    return str(st.query_params.get(CHOSEN) or "")


def overview() -> None:
    """Drop a file; below it the imports so far."""
    st.markdown(
        "Takes in OTLP in protobuf or JSON, exports of Langfuse, Phoenix and MLflow, and model calls as JSON lines or "
        "CSV. Nothing is stored twice, and what cannot be read is counted."
    )
    file = st.file_uploader(f"A file of at most {_LARGEST_MB} MB, compressed by gzip or zstd or not", key="import-file")
    if file is None:
        st.caption("Larger files, and folders of `assay export`, are taken in by `assay import FILE`.")
    else:
        _looked_at(file)
    st.markdown("**Imports so far**")
    found = data_imports.imports()
    if not found:
        widgets.empty("Imports would be listed here.", "No file was imported into this project yet.")
        return
    listing.listing("imports", "Imports", COLUMNS, [_line(one) for one in found])


COLUMNS = (
    Column("File", "minmax(160px, 2fr)", link=True),
    Column("Format", "100px"),
    Column("Begun", "110px"),
    Column("State", "90px"),
    Column("Received", "90px", "right", help="Spans, log records and scores"),
    Column("Stored", "90px", "right"),
    Column("Duplicate", "90px", "right", help="That were stored before"),
    Column("Rejected", "90px", "right", help="That could not be read or stored"),
    Column("By", "minmax(80px, 1fr)"),
)


def _line(one: Mapping[str, Any]) -> listing.Row:
    words, tone = standing(one)
    return listing.Row(
        f"imports?{CHOSEN}={one['import_id']}",
        [
            Cell(fmt.clip(one["file"], 120)),
            Cell(_FORMATS.get(one["format"], one["format"])),
            Cell(widgets.when(one["started_at"])),
            Cell(words, tone=tone),
            Cell(f"{one['received']:,}"),
            Cell(f"{one['stored']:,}"),
            Cell(f"{one['duplicate']:,}"),
            Cell(f"{one['rejected']:,}"),
            Cell(fmt.clip(one["author"] or "", 60)),
        ],
    )


def standing(one: Mapping[str, Any], now: datetime | None = None) -> tuple[str, str]:
    """Whether an import has ended, in a word, and the tone of it."""
    if one["ended_at"]:
        return "whole", "green"
    if one["fault"]:
        return "failed", "red"
    return ("broke off", "orange") if _is_quiet(one, now) else (f"{share(one):.0%} read", "blue")


def _is_quiet(one: Mapping[str, Any], now: datetime | None) -> bool:
    """Whether nothing came of an import that goes on for so long that nobody reads it any more."""
    return (now or datetime.now(UTC)) - _last_sign(one) > _QUIET


def _last_sign(one: Mapping[str, Any]) -> datetime:
    found = datetime.fromisoformat(one["last_at"] or one["started_at"])
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def share(one: Mapping[str, Any]) -> float:
    """How much of the file was read, from 0 to 1."""
    return min(one["read_bytes"] / one["bytes"], 1.0) if one["bytes"] else 0.0


def _looked_at(file: Any) -> None:
    """What the file looks like, which column is what, and the button that takes it in."""
    try:
        upload_id = _uploaded(file)
        kind = st.session_state.get(f"import-format-{file.file_id}")
        told = data_imports.preview(upload_id, kind, _mapped(file))
    except data.ApiError as error:
        _taken_back(file, error.message)
        st.error(fmt.plain(error.message, 600), icon=":material/error:")
        _format(file, None)
        return
    st.session_state[f"import-good-{file.file_id}"] = dict(_mapped(file))
    left, right = st.columns((1, 2))
    with left:
        _format(file, told["format"])
    right.markdown(f"It is read as {_WORDS[told['format']]}. Another format can be chosen.")
    if told["format"] == "calls":
        _columns(file, told)
    _rows(told)
    _begin(upload_id, told)


def _uploaded(file: Any) -> str:
    """The upload of a file, sent once."""
    known: dict[str, str] = st.session_state.setdefault(_UPLOADED, {})
    if file.file_id not in known:
        with st.spinner("Sending the file to the server"):
            known[file.file_id] = data_imports.upload(file.name, file)
    return known[file.file_id]


def _format(file: Any, found: str | None) -> None:
    """The format: what it looks like, or another."""
    key = f"import-format-{file.file_id}"
    st.selectbox(
        "Format", _READ, index=_READ.index(found) if found in _READ else None, key=key,
        format_func=lambda one: _FORMATS[one], placeholder="Choose one",
    )  # fmt: skip


def _mapped(file: Any) -> list[tuple[str, str]]:
    """Which column was said to be which field."""
    said: dict[str, str] = st.session_state.get(f"import-mapping-{file.file_id}", {})
    return list(said.items())


def _taken_back(file: Any, why: str) -> None:
    """A choice of columns that cannot be gives way to the one before it, and the page says why."""
    good: dict[str, str] = st.session_state.get(f"import-good-{file.file_id}", {})
    if dict(_mapped(file)) != good:
        st.session_state[f"import-mapping-{file.file_id}"] = good
        st.session_state[f"import-edition-{file.file_id}"] = _edition(file) + 1
        st.session_state[_REFUSED] = why
        st.rerun()


def _edition(file: Any) -> int:
    """Of the table of columns: another one forgets what was edited."""
    return int(st.session_state.get(f"import-edition-{file.file_id}", 0))


def _columns(file: Any, told: Row) -> None:
    """Which column becomes which field, to be edited."""
    known = dict(told["mapping"])
    frame = pd.DataFrame(
        {"Column": told["columns"], "becomes": [known.get(one, _METADATA) for one in told["columns"]],
         "First value": [str((told["rows"] or [{}])[0].get(one, "")) for one in told["columns"]]}
    )  # fmt: skip
    options = [*(one for one in told["fields"] if one != "-"), *sorted(set(known.values()) - set(told["fields"]))]
    edited = st.data_editor(
        frame, key=f"import-columns-{file.file_id}-{_edition(file)}", hide_index=True, height="content",
        disabled=["Column", "First value"],
        column_config={
            "becomes": st.column_config.SelectboxColumn("becomes", options=[*options, _METADATA], required=True)
        },
    )  # fmt: skip
    pairs = dict(zip(edited["Column"], edited["becomes"], strict=True))
    said = {
        column: "-" if field == _METADATA else field
        for column, field in pairs.items()
        if field != known.get(column, _METADATA) or column in dict(_mapped(file))
    }
    if said != dict(_mapped(file)):
        st.session_state[f"import-mapping-{file.file_id}"] = said
        st.rerun()
    if told["fault"]:
        st.warning(fmt.plain(_without_option(told["fault"]), 300), icon=":material/help:")


def _without_option(fault: str) -> str:
    """The fault as the page says it: it has a table where the command line has an option."""
    return f"{fault.partition(' Tell ')[0]} Choose one in the table."


def _rows(told: Row) -> None:
    if told["rows"]:
        with st.expander("First records", expanded=told["format"] != "calls"):
            st.dataframe(pd.DataFrame(told["rows"]).fillna(""), hide_index=True, height="content")


def _begin(upload_id: str, told: Row) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        author = alert_actions.author_field()
        st.button(
            "Import", key="import-go", type="primary", icon=":material/upload:", disabled=bool(told["fault"]),
            on_click=_go, args=(upload_id, told, author or None),
        )  # fmt: skip
    if refused := st.session_state.pop(_REFUSED, None):
        st.error(fmt.plain(refused, 600), icon=":material/error:")


def _go(upload_id: str, told: Row, author: str | None) -> None:
    try:
        st.query_params[CHOSEN] = data_imports.begin(upload_id, told, author)
    except data.ApiError as error:
        st.session_state[_REFUSED] = error.message


def page(import_id: str) -> None:
    """One import: how far it is, what became of what it held, why some was rejected."""
    st.page_link("views/imports.py", label="All imports", icon=":material/arrow_back:")
    found = data_imports.one(import_id)
    going = not found["ended_at"] and not found["fault"]

    def part() -> None:  # the server may be started again under it
        widgets.guarded(
            "How far it is did not come.", "What is stored of it stays.", lambda: _watched(import_id, going=going)
        )

    st.fragment(part, run_every=1.0 if going else None)()


def _watched(import_id: str, *, going: bool) -> None:
    found = data_imports.one(import_id)
    if going and (found["ended_at"] or found["fault"]):
        data.forget()
        st.rerun()
    st.markdown(f"**{fmt.plain(found['file'], 200)}**")
    st.markdown(fmt.plain(sentence(found), 600))
    if not found["ended_at"] and not found["fault"]:
        st.progress(share(found), f"{share(found):.0%} of {found['bytes']:,} bytes read")
    _counts(found)
    _rejections(found)
    _onwards(found)


def sentence(one: Mapping[str, Any], now: datetime | None = None) -> str:
    """What became of a file, in a sentence."""
    if one["fault"]:
        return f"It could not be read to its end: {one['fault']}"
    if not one["ended_at"] and _is_quiet(one, now):
        return (
            f"It broke off at {share(one):.0%}: nothing came of it since {widgets.when(_last_sign(one).isoformat())}. "
            "Run the same command again, or drop the same file: it goes on, and nothing is stored twice."
        )
    if not one["ended_at"]:
        return "It is being read, by the server or the command that began it. You may leave this page."
    kept = f"{one['stored']:,} of {one['received']:,} spans, log records and scores are stored"
    more = [f"{one[name]:,} {words}" for name, words in (
        ("duplicate", "were there before"), ("rejected", "could not be taken")) if one[name]]  # fmt: skip
    return f"{kept}; {', '.join(more)}." if more else f"{kept}."


def _counts(found: Row) -> None:
    names = {"received": "Received", "stored": "Stored", "duplicate": "Duplicate", "rejected": "Rejected"}
    slots = st.columns(len(names))
    for slot, (name, label) in zip(slots, names.items(), strict=True):
        slot.metric(label, fmt.short(found[name]), help=f"{found[name]:,}", border=True)


def _rejections(found: Row) -> None:
    if not found["rejections"]:
        return
    st.markdown("**Rejected**")
    rows = [
        listing.Row("", [Cell(one["reason"]), Cell(one["why"]), Cell(f"{one['count']:,}"),
                         Cell(fmt.clip(one["sample"] or "", 200), one["sample"] or "")])
        for one in found["rejections"]
    ]  # fmt: skip
    listing.listing("rejections", "Rejected", REJECTIONS, rows)


REJECTIONS = (
    Column("Reason", "110px"),
    Column("That is", "minmax(180px, 1fr)"),
    Column("Items", "80px", "right"),
    Column("The first of them", "minmax(200px, 2fr)"),
)


def _onwards(found: Row) -> None:
    if found["first_time"] is None:
        return
    since, until = (datetime.fromisoformat(found[name]) for name in ("first_time", "last_time"))
    scope = state.traces_scope({"since": since.isoformat(), "until": (until + timedelta(minutes=1)).isoformat()})
    st.page_link("views/traces.py", label="Traces of its time", icon=":material/account_tree:", query_params=scope)
