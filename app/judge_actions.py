"""What can be done about a judge: plan labels, score again what was labelled, write a threshold and examples back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import data, data_judges, data_queues, judges, labelling
from app import format as fmt

Card = Mapping[str, Any]
_SAID = "judge-said"  # session state: what came of the last action


def section(found: Card) -> None:
    """Three folded parts; one that is not in use asks the server nothing."""
    said()
    plan, again, write = st.columns(3)
    with plan, st.expander("More labels: how many, which", icon=":material/straighten:"):
        _plan(found)
    with (
        again,
        st.expander("Score again what was labelled", icon=":material/autorenew:", expanded=bool(found["expired"])),
    ):
        _recheck(found)
    with write, st.expander("Write back what labels teach", icon=":material/edit_note:"):
        _write(found)


def said() -> None:
    """What came of the last action, once."""
    if text := st.session_state.pop(_SAID, None):
        st.success(fmt.plain(text, 800), icon=":material/check:")


def ruler(found: Card) -> dict[str, Any]:
    """Which ruler and labels the card is of, as the API takes them."""
    told: dict[str, Any] = {name: found[name] for name in (judges.EVALUATOR, judges.VERSION, "label")}
    return told | {"author": labelling.author() or None}


def _plan(found: Card) -> None:
    share = found["card"]["measure"] == "rate"
    width = st.number_input(
        "Width of the interval" + (", in points" if share else ""), 0.1, None, 10.0 if share else 0.2, format="%g",
        key="judge-width", help="Of the corrected rate or mean, from end to end",
    )  # fmt: skip
    by = st.selectbox(
        "Draw within each", found["by_options"], index=None, key="judge-plan-by", placeholder="none: at random",
        help="Draws most where the judge errs most; rates are then told by strata",
    )  # fmt: skip
    queue = st.selectbox(
        "Queue", _queues(), index=None, key="judge-plan-queue", placeholder="none: tell alone",
        help="A queue whose field asks for what the judge scores",
    )  # fmt: skip
    if not st.button("Plan" if queue is None else "Put items into the queue", key="judge-plan"):
        return
    told = ruler(found) | {"width": width / 100 if share else width, "by": by, "queue": queue}
    done = _try(lambda: data_judges.plan_labels(found["score"], told))
    if done is None:
        return
    st.markdown(fmt.plain(done["sentence"], 600))
    if queue is not None:
        put = f"{fmt.plural(done['added'], 'item')} put into {queue}, {done['there']:,} there already."
        lost = (
            f" {fmt.plural(len(done['refused']), 'item')} refused: {done['refused'][0]['why']}."
            if done["refused"]
            else ""
        )
        st.caption(fmt.plain(put + lost, 400))


def _queues() -> list[str]:
    try:
        return [str(one["name"]) for one in data_queues.queues()]
    except data.ApiError:
        return []


def _recheck(found: Card) -> None:
    st.caption(
        "What people labelled is scored by the evaluator as it is installed now. The items and answers are kept in a "
        "closed queue; nobody need label anything."
    )
    if found["expired"]:
        st.markdown(fmt.plain(found["expired"]["sentence"], 300))
    if st.button("What would be done", key="judge-recheck-dry"):
        done = _try(lambda: data_judges.recheck(found["score"], ruler(found) | {"dry_run": True}))
        if done is not None:
            st.markdown(fmt.plain(done["sentence"], 600))
    if st.button("Score again", key="judge-recheck", type="primary" if found["expired"] else "secondary"):
        done = _try(lambda: data_judges.recheck(found["score"], ruler(found)))
        if done is not None:
            kept = f" They are kept in queue {done['queue']}." if done["queue"] else ""
            st.session_state[_SAID] = done["sentence"] + kept
            st.rerun()


def _write(found: Card) -> None:
    best = (found["card"]["threshold"] or {}).get("value")
    threshold = st.checkbox(
        "The threshold that fits people best" + ("" if best is None else f", {fmt.digits(best)}"),
        value=best is not None, disabled=best is None, key="judge-write-threshold",
    )  # fmt: skip
    examples = st.number_input(
        "Examples from labels", 0, 12, 0, 1, key="judge-write-examples",
        help="Of a judge by a prompt: cases that people decided, as many yes as no, those that it had wrong first",
    )  # fmt: skip
    told = ruler(found) | {"take_threshold": threshold, "examples": int(examples)}
    shown = "judge-written"  # session state: what would be written, by what was asked
    if st.button("Show what would be written", key="judge-write-dry"):
        st.session_state[shown] = (told, _try(lambda: data_judges.write(found["score"], told | {"dry_run": True})))
    asked, done = st.session_state.get(shown, (None, None))
    if asked != told or done is None:
        return
    st.markdown("  \n".join(fmt.plain(line, 500) for line in [done["sentence"], *done["changes"]]))
    st.code(done["yaml"], language="yaml", height=240)
    if done["file"] is None:
        st.caption("No file of own evaluators is set: put this into one, and name it in ASSAY_EVALUATORS_FILE.")
        return
    if st.button("Write it", key="judge-write", type="primary"):
        made = _try(lambda: data_judges.write(found["score"], told | {"dry_run": False}))
        if made is not None:
            del st.session_state[shown]
            st.session_state[_SAID] = made["sentence"]
            st.rerun()


def _try(ask: Any) -> Card | None:
    try:
        found: Card = ask()
    except data.ApiError as error:
        st.error(fmt.plain(str(error), 600), icon=":material/error:")
        return None
    return found
