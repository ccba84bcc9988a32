"""Parts that every page shares: title row, time range, filters, tiles, states. What is chosen lives in the URL."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from threading import Event, Thread
from typing import Any, Literal, NoReturn, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

from app import charts, data, state
from app import format as fmt

RANGE = "range"  # key of the time control, and its name in the URL
DRAWN = "drawn"  # session state: title of the page that was last drawn to its end
SHELL, UNSEEN = "shell", "unseen"  # keys of containers that nobody sees
_LONGEST_S = 1e9  # 31 years; the store's nanoseconds end at 292

Told = TypeVar("Told")
Offers = Mapping[str, Sequence[str]]  # filter -> values, the first the likeliest
Asked = tuple[Literal["trace_filters", "calls_filters"], state.Window]  # the query for them, and its window
_UNSEEN_S, _TICK_S = 0.3, 0.1  # before the bar is drawn, and between two states of it

_STYLE = """<style>
.stMainBlockContainer { padding-left: 2rem; padding-right: 2rem; }
.stMetric { padding: 0; }
section.stSidebar[data-collapsed="false"] { width: 200px !important; }
:has(> .st-key-shell) { position: absolute; width: 0; height: 0; overflow: hidden; }
.st-key-unseen { display: none; }
</style>"""


def house_style() -> None:
    """Narrower margins and sidebar than Streamlit's. Only documented `st*` class names are touched."""
    st.html(_STYLE)


def zone() -> tzinfo:
    """The viewer's time zone; UTC when the browser does not tell."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def when(text: str | None) -> str:
    """A time of the API in the viewer's zone, short, as for a column; '' of null."""
    return fmt.narrow(datetime.fromisoformat(text), zone(), datetime.now(UTC)) if text else ""


def theme() -> charts.Theme:
    return "dark" if st.context.theme.type == "dark" else "light"


def opens(name: str) -> bool:
    """Whether nothing of the page is there yet, so that its outline has to stand in."""
    return st.session_state.get(DRAWN) != name


def time_range() -> None:
    """The one time control, URL keys `range`, and `from` and `to` when it is `custom`. `window` reads it."""
    slot = st.container(horizontal=True, width="content")
    key = st.segmented_control(
        "Time range",
        state.RANGE_KEYS,
        default=state.DEFAULT_RANGE,
        required=True,
        key=RANGE,
        bind="query-params",
        label_visibility="collapsed",
    )
    if key == "custom":
        with slot:
            _bound("From", "from")
            _bound("Before", "to")


def window(oldest: datetime | None, newest: datetime | None = None) -> state.Window:
    """What `time_range` says, as of now.

    `oldest`: where `all` begins, and a custom range without a start. `newest`: where they end, if that is after now.
    """
    bounds = (state.instant(st.query_params.get("from")), state.instant(st.query_params.get("to")))
    return state.window(str(st.session_state[RANGE]), datetime.now(UTC), (oldest, newest), bounds)


def project() -> None:
    """Which project the page is about, where there are several; `data.project` reads it. A link may name any."""
    told = st.query_params.get(state.PROJECT)
    options = list(dict.fromkeys((state.DEFAULT_PROJECT, *data.projects(told), *([told] if told else ()))))
    if len(options) > 1:
        st.caption("Project", width="content")
        st.selectbox(
            "Project", options, key=state.PROJECT, bind="query-params", label_visibility="collapsed", width=160
        )


def no_such_project() -> bool:
    """Says so where the URL names a project that is not there; its pages would only repeat it."""
    name = data.project()
    known = data.projects(name)
    if name in known or not known:
        return False
    st.error(f"There is no project named {fmt.plain(name)}.", icon=":material/error:")
    st.caption("Choose another one above, or make it: `assay projects --add NAME`.")
    return True


def _bound(label: str, name: str) -> None:
    """One end of a custom range. The URL has the instant in UTC; it is shown and entered in the viewer's zone."""
    at, key = state.instant(st.query_params.get(name)), f"{name}-local"
    st.session_state[key] = at and at.astimezone(zone()).replace(tzinfo=None)
    st.datetime_input(
        f"{label} ({zone()})", key=key, format="YYYY-MM-DD", on_change=_moved, args=(name, key), width=190
    )


def _moved(name: str, key: str) -> None:
    at = st.session_state[key]
    if at is None:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = state.instant_text(at.replace(tzinfo=zone()))


def filters(window: state.Window, path: str = "views/traces.py") -> dict[str, object]:
    """The filters of Traces in one popover; returns parameters of query `traces`. `path`: of the page."""

    def own(offers: Offers) -> None:
        pick("status", ["ok", "recovered", "error"], others=False)
        pick("errors", ["with", "without"], "Failed spans", others=False)
        _as_in_url("min_s", _seconds)
        st.number_input("Takes at least (s)", 0.0, _LONGEST_S, None, key="min_s", bind="query-params")
        pick("prompt", offers.get("prompt", []))
        type_in("text", "In names and errors", "any text")
        _of_score(_score_names(window) if offers else [])

    asked: Asked = "trace_filters", window
    return state.filter_params(_chosen("filters", state.FILTERS, asked, path, own))


def _of_score(names: Sequence[str]) -> None:
    """Filters by a score of the trace, of one of its spans or of its session; of no use until the score is named."""
    pick("scored", names, "Score")
    off = not st.session_state.get("scored")
    for name in state.SCORE_FILTERS[1:]:
        if off and name not in st.session_state:  # later the fields are bound, and take it out of the URL themselves
            st.query_params.pop(name, None)
    slots = st.columns(2)
    for slot, name, label in zip(slots, ("score_min", "score_max"), ("at least", "at most"), strict=True):
        with slot:
            _as_in_url(name, number, off=off)
            st.number_input(
                f"Score {label}", value=None, key=name, bind=_bind(name, off=off), step=0.1, placeholder="any",
                format="%g", disabled=off,
            )  # fmt: skip
    type_in("score_label", "Score's label", "exact label", off=off)
    pick("score_failed", ["yes", "no"], "Evaluator failed", others=False, off=off)


def _score_names(window: state.Window) -> list[str]:
    """Names that scores of the window have; that they did not come is told by what the filters themselves ask."""
    try:
        return [str(name) for name in data.score_names(window.since)["name"]]
    except data.ApiError:
        return []


def number(text: str) -> float | None:
    """A number of the URL; null: it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def call_filters(window: state.Window, path: str) -> data.Filters:
    """The filters of pages over model calls in one popover; returns filters of the queries. `path`: of the page."""

    def own(offers: Offers) -> None:
        for name in ("provider", "release", "prompt", "tool"):
            pick(name, offers.get(name, []))
        _of_score(_score_names(window) if offers else [])

    asked: Asked = "calls_filters", window
    return state.call_filter_params(_chosen("call-filters", state.CALL_FILTERS, asked, path, own))


def _chosen(
    key: str, names: Sequence[str], asked: Asked, path: str, own: Callable[[Offers], None]
) -> dict[str, object]:
    """A popover with the filters `names`: those that every list has, the list's `own`, and the way back to none.

    Its label never changes: with another one Streamlit takes it for another popover, and closes it under the hand.
    """
    with st.popover("Filters", icon=":material/filter_list:", key=key, on_change="rerun") as popover:
        offers, cut = offered(*asked) if popover.open else ({}, "")
        left, right = st.columns(2, width=520)
        with left:
            for name in ("service", "environment", "model", "variant", "tag"):
                pick(name, offers.get(name, []))
        with right:
            own(offers)
        with left:  # the shorter side
            type_in("session", "Session")
            type_in("user", "User")
        if cut:
            st.caption(cut)
        kept = {name: value for name, value in st.query_params.items() if name not in {*names, "page"}}
        st.page_link(path, label="Clear all", icon=":material/filter_list_off:", query_params=kept)
    chosen = {name: st.session_state.get(name) for name in names}
    if told := state.filter_words(chosen):
        st.caption(fmt.plain(told, 200), width="content")
    return chosen


def offered(query: Literal["trace_filters", "calls_filters"], window: state.Window) -> tuple[Offers, str]:
    """What there is to choose and what of it was cut, asked for when somebody looks; others can be typed."""
    try:
        frame = data.offers(query, window.since, window.until)
    except data.ApiError as error:
        st.caption(f"What there is to choose did not come: {fmt.plain(str(error), 200)} Values can be typed.")
        return {}, ""
    fields = [(str(name), rows) for name, rows in frame.groupby("field", sort=False)]
    return {name: list(rows["value"]) for name, rows in fields}, cut_words(
        {name: (len(rows), int(rows["total"].iloc[0])) for name, rows in fields}
    )


def cut_words(fields: Mapping[str, tuple[int, int]]) -> str:
    """`Offered: 200 of 1,234 releases. Others can be typed.` Values that are offered, and that there are, by field."""
    cut = [f"{shown:,} of {of:,} {name}s" for name, (shown, of) in fields.items() if shown < of]
    return f"Offered: {', '.join(cut)}. Others can be typed." if cut else ""


def pick(
    name: str, options: Sequence[str], label: str | None = None, *, others: bool = True, off: bool = False
) -> None:
    """One value of the URL. `others`: a link may name one that is not offered. `off`: none can be chosen."""
    _as_in_url(name, lambda told: told if others or told in options else None, off=off)
    st.selectbox(
        label or name.capitalize(),
        options,
        index=None,
        key=name,
        bind=_bind(name, off=off),
        accept_new_options=others,
        placeholder="any",
        disabled=off,
    )


def type_in(name: str, label: str, placeholder: str = "exact id", *, off: bool = False) -> None:
    _as_in_url(name, str, "", off=off)
    st.text_input(label, key=name, bind=_bind(name, off=off), placeholder=placeholder, disabled=off)


def search(key: str, placeholder: str, width: int, pages: Sequence[str]) -> str:
    """What is searched for in a list, without blanks around it; '' nothing. The list begins at its first page then.

    Args:
        key: in the URL.
        placeholder: what is searched.
        width: in pixels.
        pages: parameters of the URL that say which page of the list is shown.
    """
    typed = st.text_input(
        "Search", key=key, bind="query-params", placeholder=placeholder, width=width, icon=":material/search:",
        label_visibility="collapsed", on_change=first_page, args=(pages,),
    )  # fmt: skip
    return str(typed or "").strip()


def first_page(pages: Sequence[str]) -> None:
    """Forget which page of a list is shown, as another list is."""
    for key in pages:
        st.query_params.pop(key, None)


def pages(path: str, before: Mapping[str, str] | None, after: Mapping[str, str] | None, place: str) -> None:
    """Links to the pages of a list beside the one in sight, by what the URL has then (null: there is none), and where.

    `place`: such as `Rows 51 to 100 of 120`.
    """
    for label, there in (("Previous", before), ("Next", after)):
        st.page_link(path, label=label, disabled=there is None, query_params=there or {})
    st.caption(place, width="content")


def _bind(name: str, *, off: bool) -> Literal["query-params"] | None:
    """Whether the URL has the widget's value. One that is `off` as its page opens takes none over from there."""
    return None if off and name not in st.session_state else "query-params"


def _as_in_url(name: str, read: Callable[[str], object], none: object = None, *, off: bool = False) -> None:
    """Set a widget of a popover to what the URL has; `none`: its value without one, and while it is `off`.

    Of a closed popover the browser keeps the values as they were when it was open, and sends them with every run. After
    a move that took a filter away ("Clear all", Back) it would filter again at the next click, and the URL be wrong.
    """
    told = None if off else st.query_params.get(name)
    value = read(told) if told else none
    if name in st.session_state and (off or st.session_state[name] != value):
        st.session_state[name] = value


def _seconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= _LONGEST_S else None


@dataclass(frozen=True, slots=True)
class Tile:
    """One number: three digits in sight, exact on hover, a note that stays in sight, the course of it below."""

    label: str
    value: str
    exact: str
    note: str
    series: Iterable[float]  # one value per bucket; null where nothing is known


def tile(shown: Tile) -> None:
    course = [math.nan if fmt.absent(value) else float(value) for value in shown.series]  # NaN breaks the line
    st.metric(
        shown.label,
        shown.value,
        delta=shown.note,
        delta_color="off",
        delta_arrow="off",
        help=shown.exact,
        border=True,
        height="stretch",
        chart_data=None if all(map(math.isnan, course)) else course,
    )


def tiles(*shown: Tile) -> None:
    """Side by side, equally wide."""
    for slot, one in zip(st.columns(len(shown)), shown, strict=True):
        with slot:
            tile(one)


def failed(what: str, error: Exception, still_works: str) -> None:
    """A question that the server did not answer: what failed, why, what still works, try again."""
    st.error(f"**{what}** {fmt.plain(str(error), 600)}", icon=":material/error:")
    st.caption(still_works)
    st.button("Try again", key=f"retry {what}", icon=":material/refresh:", on_click=data.forget)


def sample() -> None:
    """What is shown is the sample data."""
    st.badge("Sample data: times shifted so that the newest is now", icon=":material/science:", color="blue")


def empty(what: str, why: str, action: Callable[[], object] | None = None) -> None:
    """No rows: what would be here, why it is not, the one thing to do. Looks unlike a failure on purpose."""
    with st.container(border=True):
        st.markdown(f"**{what}**")
        st.caption(why)
        if action:
            action()


def cut(shown: int, total: int | None, noun: str) -> None:
    """A list that was cut says so."""
    of = f" of {total:,}" if total is not None else ""
    st.badge(f"Cut: first {shown:,}{of} {noun}", icon=":material/content_cut:", color="orange")


def fields(pairs: Mapping[str, str], columns: int = 4) -> None:
    """Names and values in a dense grid; values are untrusted text."""
    slots = st.columns(columns)
    for index, (name, value) in enumerate(pairs.items()):
        with slots[index % columns], st.container(gap=None):
            st.caption(name)
            st.text(value)


def guarded(what: str, still_works: str, draw: Callable[[], None]) -> bool:
    """Draw a part of a page; when the server does not answer, say so in its place. True: it was drawn."""
    try:
        draw()
    except data.ApiError as error:
        failed(what, error, still_works)
        return False
    return True


class Ended(BaseException):
    """A page has nothing more to draw. After `st.stop` nothing could stand around it either."""


def end() -> NoReturn:
    """End the page here: what stands around it is drawn all the same. Not within a fragment."""
    raise Ended


@contextmanager
def waiting(after_s: float = 2.0) -> Iterator[None]:
    """Whatever a page waits for: when it is not drawn after some seconds, a line above it says so until it is."""
    place, drawn = st.empty(), Event()
    _waits.set((place, drawn))

    def tell() -> None:
        if not drawn.wait(after_s):
            place.caption(f"Waiting for the server at {fmt.plain(data.place()[0])}: no whole answer for {after_s:g} s.")

    beside = Thread(target=tell, daemon=True)
    add_script_run_ctx(beside, get_script_run_ctx())
    beside.start()
    try:
        yield
    finally:
        drawn.set()
        beside.join()
        place.empty()


def drawn() -> None:
    """The page waits for nothing more: what still comes to it, it tells by itself."""
    if (waits := _waits.get()) is not None:
        place, event = waits
        event.set()
        place.empty()


_waits: ContextVar[tuple[DeltaGenerator, Event] | None] = ContextVar("waits", default=None)


def patiently(where: DeltaGenerator, words: str, ask: Callable[[], Told], usual_s: float = 3.0) -> Told:
    """What `ask` answers; if that takes a while, a bar with the time that it is likely to take still, drawn in `where`.

    Asked in a thread beside the page's: only so the bar can move while the server works.
    """
    with ThreadPoolExecutor(1, initializer=add_script_run_ctx, initargs=(None, get_script_run_ctx())) as pool:
        began, asked, place = time.monotonic(), pool.submit(ask), where.empty()
        wait([asked], timeout=_UNSEEN_S)
        while not asked.done():
            gone = time.monotonic() - began
            left = f"about {max(1, math.ceil(usual_s - gone))} s left" if gone < usual_s else "longer than usual"
            place.progress(min(gone / usual_s, 0.97), f"{words}, {left}")
            wait([asked], timeout=_TICK_S)
        place.empty()
        return asked.result()


def each(step: pd.Timedelta) -> str:
    """How long the buckets of a figure are: `by 1 h`."""
    return f"by {fmt.duration(step.total_seconds() * 1e9)}"


def bucket_link(
    event: Mapping[str, Any],
    buckets: pd.Series,
    step: pd.Timedelta,
    filters: Callable[[int], Mapping[str, str | None]] = lambda _: {},
) -> None:
    """A click on a bucket offers the traces behind it, in a tab of their own. `filters`: of the curve of this number.

    Within the session Streamlit refuses to set parameters that a widget is bound to (`range`), by `switch_page` and
    `page_link` alike. The bucket is found by number: the axis has local times, of which an hour of autumn has two.
    """
    points = event.get("selection", {}).get("points", [])
    if not points or points[0]["point_index"] >= len(buckets):
        return
    start, local = buckets.iloc[points[0]["point_index"]], zone()
    since, until = (state.instant_text(at) for at in (start, start + step))
    more = filters(int(points[0].get("curve_number", 0)))
    url = state.traces_path({"range": "custom", "from": since, "to": until} | dict(more))
    label = f"Traces of {fmt.moment(start, local)[:16]} to {fmt.clock(start + step, local)[:5]}"
    st.link_button(label, url, icon=":material/open_in_new:", type="tertiary")


def csv(frame: pd.DataFrame, name: str) -> None:
    """Download of exactly the rows in sight, exact values."""
    st.download_button(
        "CSV", frame.to_csv(index=False), f"{name}.csv", "text/csv", icon=":material/download:",
        on_click="ignore",
    )  # fmt: skip


def known_to(newest: pd.Series) -> str:
    """Time of the newest data, so that a stale page says so."""
    return fmt.recent(newest["newest"].to_pydatetime(), zone(), datetime.now(UTC))
