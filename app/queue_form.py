"""The form in which a queue is set: what is asked, guidelines, how many people label, what comes in by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any
from zlib import crc32

import streamlit as st

from app import alert_actions, data, data_queues, jobs, queue_fields, queue_preview, queue_terms, queues, widgets
from app import format as fmt

Terms = dict[str, Any]
Draw = Callable[[Mapping[str, Any], int], tuple[dict[str, Any], str]]
"""Draws one of a list, as it was, at its place; tells it as it is by now, and what is wrong with it."""

_REFUSED = "queue-form-refused"  # session state: why the last click set nothing
_MOST_FEEDS, _MOST_EXAMPLES = 10, 20


def form(queue: Mapping[str, Any] | None) -> None:
    """Set a queue; null: a new one."""
    key = f"queue-form-{crc32(str(queue['name'] if queue else '').encode()):08x}-"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"Edit {fmt.plain(queue['name'], 100)}" if queue else "New queue", anchor=False, width="content")
        st.space("stretch")
        st.page_link(
            queues.PATH, label="Back without saving", icon=":material/arrow_back:",
            query_params={queues.CHOSEN: queue["name"]} if queue else {},
        )  # fmt: skip
    base, upon = _begun(queue, key)
    head = st.container()
    left, right = st.columns([3, 2], gap="large")
    with left:
        base = base or _start(key)
        fields = _fields(base, key)
        terms, problem = _terms(base, key)
    with right:
        queue_preview.section(fields, terms["guidelines"])
    _set(head, queue, upon, terms | {"fields": [queue_terms.field(one) for one in fields]}, problem or _named(fields))


def _begun(queue: Mapping[str, Any] | None, key: str) -> tuple[Terms | None, int]:
    """The terms and the version that are edited, as they were when the form was opened: somebody may save meanwhile.

    That no widget of the form is left tells that it was left itself: what it had then is forgotten.
    """
    held = f"{key}begun"
    if f"{key}guidelines" not in st.session_state:
        for one in [one for one in st.session_state if str(one).startswith(key) and one != f"{key}start"]:
            del st.session_state[one]
        st.session_state[held] = (queue["terms"], int(queue["version"])) if queue else (None, 0)
    found: tuple[Terms | None, int] = st.session_state[held]
    return found


def _start(key: str) -> Terms:
    """What a new queue begins with."""
    st.segmented_control(
        "It asks", list(queue_terms.STARTS), default=next(iter(queue_terms.STARTS)), required=True, key=f"{key}start",
        on_change=_restart, args=(key,),
    )  # fmt: skip
    now = st.session_state[f"{key}started"] = str(st.session_state[f"{key}start"])
    return queue_terms.begun(now)


def _restart(key: str) -> None:
    before, now = str(st.session_state[f"{key}started"]), str(st.session_state[f"{key}start"])
    queue_fields.restart(before, now, queue_terms.begun(now)["fields"], key)


def _fields(base: Terms, key: str) -> list[dict[str, Any]]:
    st.markdown("**Fields**")
    return queue_fields.edited([queue_terms.whole(one) for one in base["fields"]], key)


def _named(fields: list[dict[str, Any]]) -> str:
    """What is wrong with the fields, as far as can be said without the server; '' nothing."""
    for place, one in enumerate(fields, 1):
        if not queue_terms.NAME.fullmatch(one["name"]):
            return f"Field {place} needs a name of letters, digits, dots, dashes and underscores."
    names = [one["name"] for one in fields]
    return "Two fields have the same name." if len(set(names)) < len(names) else ""


def _terms(base: Terms, key: str) -> tuple[Terms, str]:
    """All but the fields, and what is wrong with it."""
    guidelines = st.text_area(
        "Guidelines", base["guidelines"], key=f"{key}guidelines", height=170, max_chars=100_000,
        help="Markdown, shown beside the item. A change is marked in time where agreement is shown.",
        placeholder="What counts as right, what does not, what to do when unsure.",
    )  # fmt: skip
    examples, untold = _examples(base, key)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        labels = st.number_input("Labels an item", 1, 20, int(base["labels"]), key=f"{key}labels", width=120)
        gold = _percent(
            "Gold items, %", base["gold_share"], (0.0, 50.0), key=f"{key}gold", width=120, step=1.0,
            help="Of what one person is handed so much has a right answer that is known, while there is such.",
        )  # fmt: skip
        blind = st.toggle(
            "Blind", base["blind"], key=f"{key}blind", help="Judges and others are hidden until one saved"
        )
    with st.expander("Who, when and in which order", key=f"{key}who"):
        who = _who(base, key)
    feeds, problem = _feeds(base, key)
    description = st.text_input("Description", base["description"], key=f"{key}description", max_chars=1_000)
    return {
        "description": str(description or "").strip(), "guidelines": str(guidelines or ""), "examples": examples,
        "labels": int(labels), "blind": bool(blind), "gold_share": gold, "feeds": feeds, **who,
    }, problem or untold  # fmt: skip


def _percent(label: str, share: float, bounds: tuple[float, float], **more: Any) -> float:
    """A share, asked for in percent; one that nobody touched stays as it is."""
    shown = round(share * 100, 6)
    low, high = bounds
    told = float(st.number_input(label, min(low, shown), high, shown, format="%g", **more))
    return share if told == shown else round(told / 100, 8)


def _who(base: Terms, key: str) -> Terms:
    people = st.multiselect(
        "Who may label", list(base["labellers"]), list(base["labellers"]), key=f"{key}labellers",
        accept_new_options=True, placeholder="everybody",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        told = jobs.at(base["deadline"]).astimezone(widgets.zone()).date() if base["deadline"] else None
        deadline = st.date_input(f"Deadline, end of day ({widgets.zone()})", told, key=f"{key}deadline", width=190)
        lease = st.number_input(
            "A lease lasts, minutes", min(1.0, float(base["lease_minutes"])), 1_440.0, float(base["lease_minutes"]),
            format="%g", key=f"{key}lease",
            width=170,
            help="After which an item that somebody has before them may go to another.",
        )  # fmt: skip
        priority = st.number_input("Priority", -100, 100, int(base["priority"]), key=f"{key}priority", width=110)
        order = st.selectbox(
            "Order", ["priority", "random"], ["priority", "random"].index(base["order"]), key=f"{key}order", width=190,
            format_func={"priority": "the oldest first", "random": "at random"}.__getitem__,
            help="Of items with the same priority.",
        )  # fmt: skip
    end = datetime.combine(deadline, time(23, 59, 59), widgets.zone()).astimezone(UTC) if deadline else None
    kept = base["deadline"] if deadline == told else (end.isoformat() if end else None)
    return {
        "labellers": [str(one) for one in people], "deadline": kept, "lease_minutes": float(lease),
        "priority": int(priority), "order": str(order),
    }  # fmt: skip


def _examples(base: Terms, key: str) -> tuple[list[dict[str, Any]], str]:
    found, problem = _several(
        "Examples ({})", "an example", base["examples"], _MOST_EXAMPLES, f"{key}example",
        lambda known, place: _example(known, f"{key}example-{place}-", place),
    )  # fmt: skip
    return [one for one in found if one["title"]], problem


def _several(  # noqa: PLR0917 - what the two lists of the form differ in
    title: str, what: str, base: Sequence[Mapping[str, Any]], most: int, own: str, draw: Draw
) -> tuple[list[dict[str, Any]], str]:
    """A folded list to which one may be added, and what is wrong with the first that is; `title` says how many."""
    held = f"{own}s"
    many = int(st.session_state.setdefault(held, len(base)))
    with st.expander(title.format(many), key=f"{held}-box"):
        told = [draw(base[place] if place < len(base) else {}, place) for place in range(many)]
        with st.container(horizontal=True):
            st.button(f"Add {what}", key=f"{own}-add", on_click=_more, args=(held, 1), disabled=many >= most)
            st.button("Take the last away", key=f"{own}-drop", on_click=_more, args=(held, -1), disabled=not many)
    return [one for one, _ in told], next((problem for _, problem in told if problem), "")


def _more(held: str, by: int) -> None:
    st.session_state[held] = max(0, st.session_state[held] + by)


def _example(known: Mapping[str, Any], own: str, place: int) -> tuple[dict[str, Any], str]:
    title = st.text_input(
        "Title", known.get("title", ""), key=f"{own}title", max_chars=200, placeholder=f"Example {place + 1}"
    )
    text = st.text_area("What is labelled", known.get("text", ""), key=f"{own}text", max_chars=20_000, height=100)
    answers = st.text_area(
        "Answers, `field = answer` a line", queue_terms.told_lines(known.get("answers", {})), key=f"{own}answers",
        height=70,
    )  # fmt: skip
    why = st.text_area("Why", known.get("why") or "", key=f"{own}why", max_chars=5_000, height=70)
    found = {"title": str(title or "").strip(), "text": str(text or ""), "why": str(why or "").strip() or None}
    try:
        told = queue_terms.of_lines(str(answers or ""), known.get("answers"))
    except ValueError as error:
        return found | {"answers": {}}, f"Example {place + 1}: {error}"
    untitled = not found["title"] and (found["text"] or found["why"] or told)
    return found | {"answers": told}, f"Example {place + 1} needs a title." if untitled else ""


def _feeds(base: Terms, key: str) -> tuple[list[dict[str, Any]], str]:
    title = "New traces come in by themselves ({} feeds)"
    return _several(
        title, "a feed", base["feeds"], _MOST_FEEDS, f"{key}feed",
        lambda known, place: _feed(known, f"{key}feed-{place}-"),
    )  # fmt: skip


def _feed(known: Mapping[str, Any], own: str) -> tuple[dict[str, Any], str]:
    with st.container(border=True, key=f"{own}box"):
        typed = st.text_area(
            "Traces that match, `name = value` a line", queue_terms.told_lines(known.get("filter", {})),
            key=f"{own}filter", height=80, placeholder="service = shop\nstatus = error",
            help="Names are those of the filters of Traces: service, environment, model, status, variant, prompt, tag, "
            "user_id, has_errors, text, ...",
        )  # fmt: skip
        with st.container(horizontal=True, vertical_alignment="bottom"):
            units = ["trace", "call", "session"]
            unit = st.selectbox(
                "An item of each", units, units.index(known.get("unit", "trace")), key=f"{own}unit", width=130
            )
            share = _percent("Share, %", float(known.get("share", 1.0)), (0.001, 100.0), key=f"{own}share", width=110)
            per_day = st.number_input("A day at most", 1, 100_000, known.get("per_day"), key=f"{own}day", width=130)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            score = st.text_input(
                "With a score", known.get("score") or "", key=f"{own}score", width=170, placeholder="any, or none"
            )
            below = st.number_input("below", value=known.get("below"), key=f"{own}below", format="%g", width=100)
            above = st.number_input("above", value=known.get("above"), key=f"{own}above", format="%g", width=100)
            failed = st.checkbox("or that failed", known.get("failed", False), key=f"{own}failed")
    problem, matched = "", dict(known.get("filter", {}))
    try:
        matched = queue_terms.of_lines(str(typed or ""), known.get("filter"))
    except ValueError as error:
        problem = str(error)
    return {
        **known, "filter": matched, "unit": str(unit), "share": share, "per_day": per_day,
        "score": str(score or "").strip() or None, "below": below, "above": above, "failed": bool(failed),
    }, problem  # fmt: skip


def _set(head: Any, queue: Mapping[str, Any] | None, upon: int, terms: Terms, problem: str) -> None:
    """Name, who sets it, and the button, above the fields."""
    with head.container(horizontal=True, vertical_alignment="bottom"):
        name = str(queue["name"]) if queue else _name()
        author = alert_actions.author_field()
        if not queue_terms.NAME.fullmatch(name):
            problem = "Name the queue: letters, digits, dots, dashes and underscores."
        elif not author:
            problem = problem or "Say who you are: versions keep who set them."
        clicked = st.button(
            "Save" if queue else "Set queue", type="primary", key="queue-form-save", icon=":material/check:",
            disabled=bool(problem),
        )  # fmt: skip
        if problem:
            st.caption(fmt.plain(problem, 300), width="content")
    if clicked and not problem:
        _save(name, terms, author, upon)
    if refused := st.session_state.pop(_REFUSED, None):
        head.error(fmt.plain(refused, 800), icon=":material/error:")


def _name() -> str:
    told = st.text_input("Name of the queue", key="queue-form-name", placeholder="letters, digits, . - _", width=260)
    return str(told or "").strip()


def _save(name: str, terms: Terms, author: str, upon: int) -> None:
    try:
        if not upon and any(one["name"] == name for one in data_queues.queues()):
            st.session_state[_REFUSED] = f"There is a queue named {name}. Take another name, or edit that one."
            return
        data_queues.put(name, terms, author, upon)
    except data.ApiError as error:
        st.session_state[_REFUSED] = str(error)
        return
    for key in [key for key in st.session_state if str(key).startswith("queue-form-")]:
        del st.session_state[key]
    st.switch_page(queues.PATH, query_params={queues.CHOSEN: name})
