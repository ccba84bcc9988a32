"""“Download” on the Traces page: the rows in sight, or all that the list is of."""

from __future__ import annotations

import io
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from app import data, widgets
from app import format as fmt
from server.client_base import text

MOST = 20_000  # traces that go through the page; more are fetched from the server itself
MOST_WHOLE = 200  # with all their spans, each of which may have megabytes
_FORMS = {"csv": "CSV", "jsonl": "JSON lines", "parquet": "Parquet", "otlp": "OTLP, as received"}
_ENDS = {"csv": "csv", "jsonl": "jsonl", "parquet": "parquet", "otlp": "otlp.jsonl"}


def button(frame: pd.DataFrame, params: Mapping[str, Any], total: int | None) -> None:
    """`frame`: the rows in sight; `params`: of all; `total`: how many these are, null: nobody knows yet."""
    widgets.csv(frame, "traces")
    with st.popover("Download", icon=":material/download:", key="traces-download", on_change="rerun") as popover:
        if popover.open:
            _all(params, total)


def _all(params: Mapping[str, Any], total: int | None) -> None:
    form = str(st.selectbox("Format", list(_FORMS), format_func=_FORMS.__getitem__, key="traces-download-form"))
    asked = {name: value for name, value in params.items() if name != "sort" and value is not None}
    if total is not None and total <= (MOST_WHOLE if form == "otlp" else MOST):
        st.download_button(
            f"All {fmt.plural(total, 'trace')}", lambda: _read(form, asked), f"traces.{_ENDS[form]}",
            key="traces-download-go", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
    else:
        many = "What a search finds" if total is None else f"{total:,} traces"
        st.caption(f"{many}: fetched from the server, not through the page, whole or not at all.")
    st.code(command(form, asked), language="bash", wrap_lines=True)


def _read(form: str, asked: Mapping[str, Any]) -> io.BytesIO:
    with data.client().download_traces(form, **asked) as pieces:
        return io.BytesIO(b"".join(pieces))


def command(form: str, asked: Mapping[str, Any]) -> str:
    """What fetches the file in a shell."""
    url, project = data.place()
    query = {"format": form, "project": project} | {name: text(value) for name, value in asked.items()}
    return f"curl --fail --output traces.{_ENDS[form]} {shlex.quote(f'{url}/api/traces/download?{urlencode(query)}')}"
