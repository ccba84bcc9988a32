"""One session: what was said in it, turn by turn. Everything that is said is untrusted text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import streamlit as st

from app import conversation, data, data_sessions, sessions, state, trace, traces, widgets
from app import format as fmt

TURN = "turn"  # of the URL: number of the first turn of the page
TURNS = 20  # of a page
_SCORES = 6  # of a turn in sight
_COLOURS: dict[str, Any] = traces.COLOURS

Turn = Mapping[str, Any]


def opened() -> str:
    """The id of the session that the URL names; '' none, so that the list is shown."""
    return str(st.query_params.get(sessions.ID, ""))


def session(session_id: str) -> None:
    """Its totals, and a page of its turns."""
    _title(session_id)
    known = data_sessions.session_summary(session_id)
    if known is None:
        _nothing()
        return
    plain = known.drop("scores").items()
    row: dict[str, Any] = {str(name): None if fmt.absent(value) else value for name, value in plain}
    row["scores"] = list(known["scores"])
    _head(session_id, row)
    wanted = state.trace_id(st.query_params.get("trace"))
    told = data_sessions.session_turns(session_id, _skip(), None if st.query_params.get(TURN) else wanted, TURNS)
    if not told["turns"]:
        st.caption(f"The session has {fmt.plural(told['total'], 'turn')}; there is none on this page.")
    for turn in told["turns"]:
        _turn(turn, marked=turn["trace_id"] == wanted)
    if told["scores_cut"]:
        st.caption("Not all scores of these turns are here: the traces have the others.")
    _pager(told)


def _title(session_id: str) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f"**Session {fmt.plain(session_id, 100)}**", width="content")
        back = state.back_link(st.query_params.get("back"))
        st.page_link(sessions.PATH, label="Back to the list", icon=":material/arrow_back:", query_params=back)


def _nothing() -> None:
    widgets.empty(
        "One session would be here.",
        "No trace of this id has arrived in this project. Check the id and the project, or wait: its sender may be "
        "buffering.",
        lambda: st.button("Look again", icon=":material/refresh:", on_click=data.forget),
    )


def _head(session_id: str, row: dict[str, Any]) -> None:
    st.markdown(finding(row))
    widgets.fields(facts(row), columns=6)
    with st.container(horizontal=True, vertical_alignment="center"):
        if row["sample"]:
            widgets.sample()
        if row["user_id"] is not None:
            st.page_link(
                "views/users.py", label=f"User {fmt.plain(row['user_id'], 60)}", icon=":material/person:",
                query_params={"range": "all", "id": row["user_id"]},
            )  # fmt: skip
        st.page_link(
            "views/traces.py", label="Its traces", icon=":material/account_tree:",
            query_params={"range": "all", "session": session_id},
        )  # fmt: skip


def finding(row: Mapping[str, Any]) -> str:
    """How many turns, when, and how many failed."""
    first, last = (row[name].to_pydatetime() for name in ("first_start", "last_start"))
    failed = f"{row['failed']:,} of them failed" if row["failed"] else "none of them failed"
    zone = widgets.zone()
    when = fmt.moment(first, zone) if row["traces"] == 1 else f"{fmt.moment(first, zone)} to {fmt.moment(last, zone)}"
    return f"{fmt.plural(row['traces'], 'turn')}, {failed}, started {when} ({zone})."


def facts(row: dict[str, Any]) -> dict[str, str]:
    """Sums over all turns, with what is unknown of them."""
    calls = row["model_calls_ok"] + row["model_calls_failed"]
    failed = f", {row['model_calls_failed']:,} failed" if row["model_calls_failed"] else ""
    scores = sessions.scored(row["scores"])[1]
    return {
        "Lasted": fmt.duration(sessions.lasted_us(row) * 1000),
        "At work": fmt.duration(row["busy_ns"]),
        "Model calls": f"{calls:,}{failed}",
        "Tokens": _tokens(row),
        "Cost": _cost(row),
        "Scores": scores or "none",
    }


def _tokens(row: Turn) -> str:
    shown = traces.tokens(dict(row))[0]
    unknown = row["unknown_usage_calls"]
    return f"{shown}, unknown for {fmt.plural(unknown, 'call')}" if shown.startswith("≥") and unknown else shown


def _cost(row: Turn) -> str:
    """As the list tells it, with the calls that have none."""
    known = row["cost_usd"] is not None
    return fmt.cost(row["cost_usd"], row["unpriced_calls"]) if known else traces.cost(dict(row))


def _skip() -> int:
    return max(0, state.whole(st.query_params.get(TURN)) - 1)


def _turn(turn: Turn, *, marked: bool) -> None:
    """One trace: what was said and answered, what it took, what was thought of it."""
    key = f"turn-{turn['number']}"
    with st.container(border=True, gap="xsmall"):
        _heading(turn, marked=marked)
        _before(turn, key)
        conversation.messages(turn["said"], f"{key}-said", border=False)
        conversation.messages(turn["answered"], f"{key}-answered", border=False)
        if not turn["said"] and not turn["answered"]:
            st.caption("Nothing was recorded of what was said.")
        if words := trace.failure(pd.Series(turn)):
            st.markdown(f":red[{fmt.plain(words, 400)}]")
        for note in notes(turn):
            st.caption(note)


def _heading(turn: Turn, *, marked: bool) -> None:
    start = datetime.fromisoformat(turn["start_time"])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**Turn {turn['number']:,}**", width="content")
        st.badge(str(turn["status"]), color=_COLOURS.get(turn["status"], "gray"))
        if marked:
            st.badge("opened from here", color="blue")
        st.caption(took(turn, widgets.zone()), width="content", help=fmt.utc(start))
        for score in turn["scores"][:_SCORES]:
            _score(score)
        if (more := len(turn["scores"]) - _SCORES) > 0:
            st.caption(f"and {more:,} more", width="content")
        st.space("stretch")
        st.page_link(
            "views/trace.py", label=fmt.plain(fmt.clip(turn["root_name"], 40, "Trace")), icon=":material/account_tree:",
            query_params=state.trace_link(turn["trace_id"]), help="Open the trace",
        )  # fmt: skip


def took(turn: Turn, zone: Any) -> str:
    """When it started, and what it took: `05-04 12:34:56 · 2.1 s · 3 calls · 1,204 tokens · $0.0012`."""
    start = datetime.fromisoformat(turn["start_time"])
    calls = turn["model_calls_ok"] + turn["model_calls_failed"]
    said = [fmt.narrow(start, zone, datetime.now(UTC)), fmt.duration(turn["duration_ns"])]
    if calls:
        said.append(fmt.plural(calls, "call"))
        tokens, cost = traces.tokens(dict(turn))[0], _cost(turn)
        said += _named("tokens", tokens, f"{tokens} tokens") + _named("cost", cost, cost)
    return fmt.plain(" · ".join(said), 200)


def _named(what: str, told: str, known: str) -> list[str]:
    """Nothing where there is nothing to know, `cost unknown`, or what is known."""
    if told == traces.NOTHING:
        return []
    return [f"{what} unknown" if told.startswith(fmt.UNKNOWN) else known]


def _score(score: Turn) -> None:
    text, colour = score_words(score)
    st.badge(fmt.plain(text, 80), color=colour)


def score_words(score: Turn) -> tuple[str, Any]:
    """`user_feedback 1`, `right failed`; green from a half on where the value is a share, red below."""
    value = score["value"]
    if score["error_type"]:
        return f"{score['name']} failed", "gray"
    if value is None:
        return f"{score['name']} {score['label'] or ''}".rstrip(), "gray"
    colour = "gray" if not 0 <= value <= 1 else "green" if value >= 0.5 else "red"
    return f"{score['name']} {score['label'] or fmt.digits(value)}", colour


def _before(turn: Turn, key: str) -> None:
    """What stands in the input ahead of what was said: folded where an earlier turn told it."""
    if turn["told"]:
        st.caption(f"{fmt.plural(turn['told'], 'message')} of earlier turns {_stands(turn['told'])} before it, folded.")
    if unseen := turn["unseen"]:
        with st.expander(
            f"{fmt.plural(len(unseen), 'message')} before it that no earlier turn here has: {_roles(unseen)}"
        ):
            conversation.messages(unseen, f"{key}-before", border=False)


def _stands(number: int) -> str:
    return "stands" if number == 1 else "stand"


def _roles(messages: Sequence[Mapping[str, Any]]) -> str:
    roles = dict.fromkeys(str(message["role"]) for message in messages)
    return fmt.plain(", ".join(roles), 80)


def notes(turn: Turn) -> list[str]:
    """What of the turn's words is not here."""
    told = []
    if turn["clipped"]:
        told.append("Long texts are cut to their first 20,000 letters here; the trace has them whole.")
    if turn["left_out"]:
        told.append(f"{fmt.plural(turn['left_out'], 'message')} more in the trace.")
    return told


def _pager(told: Mapping[str, Any]) -> None:
    """Links to the turns before and after, and where one is."""
    turns, total = told["turns"], told["total"]
    first, last = (turns[0]["number"], turns[-1]["number"]) if turns else (total + 1, total)
    if first == 1 and last == total:
        return
    here = {name: value for name, value in st.query_params.items() if name not in {TURN, "trace"} and value}
    before = here | {TURN: str(max(1, first - TURNS))} if first > 1 else None
    after = here | {TURN: str(last + 1)} if last < total else None
    with st.container(horizontal=True, vertical_alignment="center"):
        widgets.pages(sessions.PATH, before, after, f"Turns {first:,} to {last:,} of {total:,}")
