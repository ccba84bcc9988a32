"""Prompts as files: all in one archive to take away, and files to bring."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import data, data_prompts
from app import format as fmt

MOST_BYTES = 15 << 20  # of all files: what one request may bring
YAML = (".yaml", ".yml")
_STAMP = (1980, 1, 1, 0, 0, 0)  # the archive has the same bytes as long as its files have
_SAID = "prompt-import-said"  # session state: what the last import did
WORDS = {"new": "new prompt", "version": "new version", "tags": "tags", "same": "unchanged"}


def give() -> None:
    """All prompts as one archive."""
    st.download_button(
        "Export", data.later(lambda: archive(data_prompts.files())), "prompts.zip", "application/zip",
        icon=":material/download:", on_click="ignore",
        help="A YAML file a prompt, for git; `assay prompts export DIR` writes the same",
    )  # fmt: skip


def archive(files: Sequence[Mapping[str, str]]) -> bytes:
    """The files as an archive; equal files give equal bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for one in files:
            packed.writestr(zipfile.ZipInfo(one["path"], _STAMP), one["text"])
    return made.getvalue()


def take() -> None:
    """Files are chosen, looked at, and brought."""
    with st.popover("Import", icon=":material/upload:", key="import-prompts", on_change="rerun") as popover:
        if not popover.open:
            return
        chosen = st.file_uploader(
            "YAML files, or an archive of them", type=["yaml", "yml", "zip"], accept_multiple_files=True,
            key="import-files", max_upload_size=15,
        )  # fmt: skip
        label = st.text_input("Move this label to their versions", key="import-label", placeholder="none").strip()
        if not chosen:
            st.caption(
                "As Export gives them. Versions are added where a file differs from the newest; nothing is lost."
            )
            return
        try:
            files = read([(one.name, one.getvalue()) for one in chosen])
            rows = data_prompts.take(files, label or None, None, dry_run=True)
        except (data.ApiError, ValueError) as error:
            st.error("They cannot be imported as they are.", icon=":material/error:")
            for line in str(error).splitlines()[:12]:
                st.text(fmt.clip(line, 400))
            return
        _offer(files, rows, label)


def _offer(files: list[dict[str, str]], rows: Sequence[Mapping[str, Any]], label: str) -> None:
    changes = [one for one in rows if one["change"] != "same" or one["moved"]]
    for one in changes[:12]:
        moved = f", label {label}" if one["moved"] else ""
        st.text(fmt.clip(f"{one['name']}: {WORDS[one['change']]} {one['version']}{moved}", 200))
    if len(changes) > 12:
        st.caption(f"... and {len(changes) - 12:,} more")
    st.caption(f"{fmt.plural(len(rows), 'prompt')}, {len(changes):,} with a change.")
    confirm = st.text_input("Label once more, where it is protected", key="import-confirm") if label else ""
    st.button(
        "Import them", key="import-now", type="primary", disabled=not changes, on_click=_bring,
        args=(files, label or None, confirm or None),
    )  # fmt: skip
    if said := st.session_state.get(_SAID):
        st.caption(fmt.plain(said, 400))


def _bring(files: list[dict[str, str]], label: str | None, confirm: str | None) -> None:
    try:
        rows = data_prompts.take(files, label, confirm, dry_run=False)
        st.session_state[_SAID] = f"Imported {fmt.plural(len(rows), 'prompt')}."
    except data.ApiError as error:
        st.session_state[_SAID] = str(error)


def read(chosen: Sequence[tuple[str, bytes]]) -> list[dict[str, str]]:
    """Files (`path`, `text`) of what was chosen; archives are opened.

    Raises:
        ValueError: one is no text or no archive, or they are too large together; says which.
    """
    found: list[dict[str, str]] = []
    left = MOST_BYTES
    for name, content in chosen:
        for path, told in _opened(name, content, left):
            left -= len(told)
            try:
                found.append({"path": path, "text": told.decode("utf-8")})
            except UnicodeDecodeError as error:
                raise ValueError(f"{path} is no text in UTF-8. Save it so, and choose it again.") from error
    return found


def _opened(name: str, content: bytes, left: int) -> list[tuple[str, bytes]]:
    too_large = f"{name}: the files have more than {MOST_BYTES >> 20} MiB together. Import fewer at once."
    if not name.lower().endswith(".zip"):
        if len(content) > left:
            raise ValueError(too_large)
        return [(name, content)]
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            inside = [one for one in packed.infolist() if one.filename.lower().endswith(YAML)]
            if sum(one.file_size for one in inside) > left:
                raise ValueError(too_large)
            return [(one.filename, packed.read(one)) for one in inside]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"{name} is no archive that can be read: {error}.") from error
