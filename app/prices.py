"""Calls without a price, the project's own prices, and pricing stored calls anew: the lower half of the Cost page."""

from __future__ import annotations

from datetime import date
from typing import Any

import streamlit as st
import yaml

from app import data, data_prices, listing, state, widgets
from app import format as fmt

_MODELS = 10  # without a price, on the page
_DONE = "repriced"  # session state: what the last repricing said, shown once
_SET = "prices-set"  # session state: what the newest prices would change in the window
_KINDS = {"usd_per_million": "Per million tokens", "discount_percent": "Discount off the list", "gpu": "GPU hours"}


def unpriced(window: state.Window) -> None:
    """Models whose calls have no cost, each with a way to price it; nothing where every call has one."""
    _tell_done()
    models = data_prices.unpriced_models(window.since, window.until)
    if models.empty:
        return
    st.subheader("Calls without a price", anchor=False)
    unknown = models["price_status"] == "unknown_model"
    shown = models[unknown].head(_MODELS)
    if len(shown) < int(unknown.sum()):
        widgets.cut(len(shown), int(unknown.sum()), "models")
    if any(st.query_params.get(name) for name in state.CALL_FILTERS):
        st.caption("Of all calls in the time range, whatever the filters.")
    for place, record in enumerate(listing.records(shown)):
        _model(window, record, place)
    if not unknown.all():
        _untold(listing.records(models[~unknown]))


def _name(record: dict[str, Any]) -> str:
    return fmt.plain(record["model"] or "a model without a name", 80)


def _model(window: state.Window, record: dict[str, Any], place: int) -> None:
    """One line: which model, how much, its newest trace, and the button."""
    provider = f" of {fmt.plain(record['provider'], 40)}" if record["provider"] else ""
    untold = record["input_tokens"] is None and record["output_tokens"] is None
    told = f"{fmt.short(record['input_tokens'])} tokens in, {fmt.short(record['output_tokens'])} out"
    tokens = "which told no tokens, so that only GPU hours can price them" if untold else told
    said, link, button = st.columns([8, 2, 3], vertical_alignment="center")
    said.markdown(f"**{_name(record)}**{provider}: {fmt.plural(record['calls'], 'call')}, {tokens}")
    link.page_link("views/trace.py", label="Newest trace", query_params=state.trace_link(record["trace_id"]))
    if record["model"] and button.button("Price this model", key=f"price-{place}"):
        st.session_state.pop(_SET, None)
        _dialog(window, record["model"], record["provider"])


def _untold(records: list[dict[str, Any]]) -> None:
    """Models that have a price, and calls that did not tell what it is to be paid for."""
    calls = fmt.plural(sum(record["calls"] for record in records), "call")
    named = [f"{_name(record)} ({record['calls']:,})" for record in records[:_MODELS]]
    more = f" and {len(records) - _MODELS:,} more models" if len(records) > _MODELS else ""
    st.caption(
        f"No price helps {calls} that did not tell their usage, or told one that cannot be: {', '.join(named)}{more}."
    )


@st.dialog("Price this model", width="medium", on_dismiss="rerun")
def _dialog(window: state.Window, model: str, provider: str | None) -> None:
    """Asks for a price, appends it to the project's own, then offers to price the window's calls anew."""
    if _SET in st.session_state:
        _offer(window)
        return
    st.text(model)
    kind = st.segmented_control(
        "Paid", list(_KINDS), default="usd_per_million", required=True, format_func=lambda kind: _KINDS[kind]
    )
    named = st.checkbox(f"Only of provider {fmt.plain(provider)}", value=True) if provider else False
    with st.form("price", border=False):
        price = _price(str(kind))
        since = st.date_input("Valid from (UTC)", value=None, help="Empty: always")
        sent = st.form_submit_button("Set this price", type="primary")
    if not sent:
        return
    if price is None:
        st.error("Give a price: input and output, or the discount, or the price of an hour.", icon=":material/error:")
        return
    entry = {"model": _literal(model)} | ({"provider": provider} if named else {}) | (
        {"valid_from": since} if isinstance(since, date) else {}
    )  # fmt: skip
    if _set(window, appended(data_prices.prices()["document"], entry | {str(kind): price})):
        st.rerun(scope="fragment")


def _literal(model: str) -> str:
    """The pattern that means this name and no other."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in model)


def _price(kind: str) -> dict[str, float] | float | None:
    """The fields of one kind of price; null while one that it needs is empty."""
    if kind == "discount_percent":
        return st.number_input("Percent off the list price", 0.0, 100.0, value=None)
    if kind == "gpu":
        hour, count, at_once = st.columns(3)
        usd = hour.number_input("$ per GPU hour", min_value=0.0, value=None)
        gpus = count.number_input("GPUs", min_value=1, value=1)
        calls = at_once.number_input("Calls at once", min_value=1, value=1)
        return None if usd is None else {"usd_per_hour": usd, "count": gpus, "concurrency": calls}
    names = {"input": "Input", "output": "Output", "cache_read": "Cache read", "cache_write": "Cache write"}
    st.caption("US dollars per million tokens. Cache prices that are left empty are that of input.")
    given = {
        name: slot.number_input(label, min_value=0.0, value=None, format="%.4f")
        for (name, label), slot in zip(names.items(), st.columns(4), strict=True)
    }
    if given["input"] is None or given["output"] is None:
        return None
    return {name: usd for name, usd in given.items() if usd is not None}


def appended(document: str, entry: dict[str, Any], key: str = "prices") -> str:
    """The YAML text with one more entry in its list `key`.

    Comments stay where the list is written in lines; else it is written anew.
    """
    told = yaml.safe_load(document) or {}
    entries = [*(told.get(key) or []), entry]
    lines = yaml.safe_dump([entry], sort_keys=False, allow_unicode=True)
    first = next((line for line in document.splitlines() if line.lstrip().startswith("- ")), "- ")
    indent = first[: len(first) - len(first.lstrip())]
    text = (document.rstrip() or f"{key}:") + "\n" + "".join(f"{indent}{line}\n" for line in lines.splitlines())
    try:
        if yaml.safe_load(text) == told | {key: entries}:
            return text
    except yaml.YAMLError:
        pass
    return yaml.safe_dump(told | {key: entries}, sort_keys=False, allow_unicode=True)


def _set(window: state.Window, document: str) -> bool:
    """Set the own prices and note what they would change in the window; says what is wrong with them."""
    try:
        data_prices.set_prices(document)
        st.session_state[_SET] = data_prices.reprice(window.since, window.until, dry_run=True)
    except data.ApiError as error:
        st.error(fmt.plain(str(error), 600), icon=":material/error:")
        return False
    return True


def _offer(window: state.Window) -> None:
    """What the prices of now would change in the window, and the button that does it."""
    would = st.session_state[_SET]
    st.markdown("Calls that come in are priced by the prices of now.")
    if not would["changed"]:
        st.markdown(f"No stored call of {window.words} would have another cost.")
        return
    st.markdown(f"{_change(would, 'would have')} in {window.words}. Old figures are kept.")
    if st.button(f"Reprice {window.words}", key="reprice", type="primary"):
        with st.spinner("Pricing stored calls anew"):
            try:
                st.session_state[_DONE] = data_prices.reprice(window.since, window.until, dry_run=False)
            except data.ApiError as error:
                st.error(fmt.plain(str(error), 600), icon=":material/error:")
                return
        st.session_state.pop(_SET)
        st.rerun()


def _change(report: dict[str, Any], verb: str) -> str:
    before = fmt.cost(report["sum_before"], report["unpriced_before"])
    after = fmt.cost(report["sum_after"], report["unpriced_after"])
    calls = fmt.plural(report["changed"], "call")
    return f"{calls} {verb} another cost; the sum goes from {fmt.plain(before)} to {fmt.plain(after)}"


def _tell_done() -> None:
    done = st.session_state.pop(_DONE, None)
    if done is not None:
        st.success(f"Repriced: {_change(done, 'got')}.", icon=":material/check:")


def own(window: state.Window) -> None:
    """The project's own prices as YAML, their versions, and what repricing changed."""
    told = data_prices.prices()
    version = (
        f"version {told['version']}, {fmt.plural(len(told['entries']), 'entry', 'entries')}"
        if told["version"]
        else "none"
    )
    with st.expander(f"Own prices: {version}", key="own-prices", on_change="rerun") as section:
        if not section.open:
            return
        st.caption(
            f"They count before the list prices ({fmt.plain(told['list_source'])} {fmt.plain(told['list_version'])}). "
            "Setting them changes no stored call; repricing does, and keeps the old figures."
        )
        editing, versions, runs = st.tabs(["Edit", "Versions", "Repricings"])
        with editing:
            _editor(window, told)
        with versions:
            _versions()
        with runs:
            _repricings()


def _editor(window: state.Window, told: dict[str, Any]) -> None:
    # Project and version are part of the key: what another person, or the dialog, has set since is what is edited.
    key = f"prices-{data.project()}-{told['version']}"
    text = st.text_area("Prices (YAML)", told["document"], height=260, key=key, placeholder=_EXAMPLE)
    with st.container(horizontal=True):
        wanted = st.button("Set these prices", disabled=text == told["document"])
        asked = st.button("Reprice…", help=f"Price the stored calls of {window.words} by the prices of now")
    if wanted and _set(window, text):
        _reprice_dialog(window)
    if asked:
        st.session_state[_SET] = data_prices.reprice(window.since, window.until, dry_run=True)
        _reprice_dialog(window)


_EXAMPLE = """prices:
  - model: my-model*
    provider: openai
    valid_from: 2026-01-01
    usd_per_million: {input: 1.25, cache_read: 0.125, output: 10}
  - model: llama-70b
    gpu: {usd_per_hour: 2.5, count: 4, concurrency: 8, utilisation: 0.6}
  - model: gpt-4o*
    discount_percent: 15"""


@st.dialog("Reprice stored calls", on_dismiss="rerun")
def _reprice_dialog(window: state.Window) -> None:
    _offer(window)


def _versions() -> None:
    found = data_prices.price_versions()
    if found.empty:
        st.caption("No own prices were ever set.")
        return
    zone = widgets.zone()
    st.dataframe(
        found.assign(set_at=found["set_at"].dt.tz_convert(zone)), hide_index=True, placeholder="unset",
        column_order=["version", "set_at", "author", "entries", "document"], height="content",
        column_config={
            "version": st.column_config.NumberColumn("Version", width=70),
            "set_at": st.column_config.DatetimeColumn("Set at", format="YYYY-MM-DD HH:mm:ss", width=150),
            "author": st.column_config.TextColumn("By", width=110),
            "entries": st.column_config.NumberColumn("Entries", width=70),
            "document": st.column_config.TextColumn("Document"),
        },
        alt="Versions of the own prices, newest first",
    )  # fmt: skip


def _repricings() -> None:
    found = data_prices.repricings()
    if found.empty:
        st.caption("Nothing was repriced yet.")
        return
    zone = widgets.zone()
    times = {name: found[name].dt.tz_convert(zone) for name in ("started_at", "since", "until")}
    money = {name: st.column_config.NumberColumn(label, format="$%.4f", width=100) for name, label in
             (("sum_before", "Sum before"), ("sum_after", "Sum after"))}  # fmt: skip
    moments = {name: st.column_config.DatetimeColumn(label, format="YYYY-MM-DD HH:mm", width=130) for name, label in
               (("started_at", "Started"), ("since", "Traces from"), ("until", "Before"))}  # fmt: skip
    counts = {name: st.column_config.NumberColumn(label, format="localized", width=80) for name, label in
              (("calls", "Calls"), ("changed", "Changed"))}  # fmt: skip
    st.dataframe(
        found.assign(**times), hide_index=True, placeholder="open", height="content",
        column_order=[*moments, *counts, *money, "reason", "author"],
        column_config={**moments, **counts, **money, "reason": "Why", "author": "By"},
        alt="Repricings, newest first",
    )  # fmt: skip
