"""Orders to score stored traces, on the Evaluators page: how far each is, what came of it, and what can be done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlencode

import streamlit as st

from app import data, data_jobs, listing, state, widgets
from app import format as fmt
from app.listing import Cell, Column

Job = dict[str, Any]

TAB, NAME, CHOSEN = "tab", "scoring jobs", "job"  # in the URL: the tab, what it is called, which job is open
FOLLOW = "follow"  # key of the switch
EVERY_S = 2
MOST = 100  # that the API tells
_ALONE_S = 10.0  # a worker looks for something to do every five seconds
OPEN = ("waiting", "running")
TONES: Mapping[str, Literal["green", "orange", "red", "blue", "gray"]] = {
    "waiting": "gray", "running": "blue", "done": "green", "cancelled": "orange", "stopped": "red",
}  # fmt: skip


def section() -> None:
    """What runs, then the list; it refreshes itself while anything runs."""
    found = data_jobs.jobs()
    if not found:
        widgets.empty(
            "Orders to score stored traces would be listed here.",
            "None was given yet. Traces has the button “Score these”; from the shell it is `assay jobs add`.",
            lambda: st.page_link("views/traces.py", label="Choose traces to score", icon=":material/account_tree:"),
        )
        return
    moving = any(job["state"] in OPEN for job in found)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        said = st.empty()
        follows = moving and st.toggle(f"Refresh every {EVERY_S} s", value=True, key=FOLLOW)
    st.fragment(_list, run_every=EVERY_S if follows else None)(said, moving=moving)


def _list(said: Any, *, moving: bool) -> None:
    found = data_jobs.jobs()
    if moving and not any(job["state"] in OPEN for job in found):
        st.rerun()  # nothing is left to follow
    said.markdown(finding(found))
    chosen = st.query_params.get(CHOSEN)
    for job in found:
        if job["state"] in OPEN or job["job_id"] == chosen:
            card(job)
    listing.listing("jobs", "Scoring jobs", COLUMNS, [_line(job) for job in found])
    st.caption(f"Times in {widgets.zone()}; read at {_now()}.")


def _now() -> str:
    return fmt.clock(datetime.now(UTC), widgets.zone())


def finding(found: list[Job]) -> str:
    """How many there are, by state: `5 scoring jobs: 1 running, 3 done, 1 stopped`."""
    counts = {name: sum(job["state"] == name for job in found) for name in TONES}
    said = ", ".join(f"{n:,} {name}" for name, n in counts.items() if n)
    newest = "The newest " if len(found) >= MOST else ""
    return f"{newest}{fmt.plural(len(found), 'scoring job')}: {said}."


def card(job: Job) -> None:
    """One job whole, with what can be done about it."""
    with st.container(border=True, gap="small", key=f"job-{job['job_id']}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{fmt.plain(names(job), 120)}**", width="content")
            st.badge(job["state"], color=TONES[job["state"]])
            st.caption(_given(job), width="content")
            if scope := state.traces_scope(job["order"].get("filter") or {}):
                st.page_link("views/traces.py", label="Its traces", icon=":material/list:", query_params=scope)
            st.space("stretch")
            _actions(job)
        st.progress(share(job), fmt.plain(progress(job), 300))
        st.caption(fmt.plain(outcome(job), 400))
        for words in faults(job):
            st.warning(fmt.plain(words, 600), icon=":material/warning:")


def names(job: Job) -> str:
    """Its evaluators: `groundedness, pii`."""
    return ", ".join(str(one["name"]) for one in job["order"]["evaluators"])


def _given(job: Job) -> str:
    by = f" by {fmt.plain(job['author'], 60)}" if job["author"] else ""
    return f"given {fmt.recent(at(job['created_at']), widgets.zone(), datetime.now(UTC))}{by}"


def at(text: str) -> datetime:
    """A time of the API."""
    return fmt.aware(datetime.fromisoformat(text))


def share(job: Job) -> float:
    """How much of it is done, 0 to 1."""
    return min(1.0, job["targets_done"] / job["targets"]) if job["targets"] else 1.0


def progress(job: Job) -> str:
    """`120 of 400 traces`, and of a running one about how long it takes still."""
    noun = {"trace": "trace", "call": "model call", "session": "session"}[job["order"]["unit"]]
    said = f"{job['targets_done']:,} of {fmt.plural(job['targets'], noun)}"
    return f"{said}, {left}" if (left := _left(job)) else said


def _left(job: Job) -> str:
    if job["state"] != "running" or not job["targets_done"]:
        return ""
    gone = (datetime.now(UTC) - at(job["created_at"])).total_seconds()
    seconds = gone * (job["targets"] / job["targets_done"] - 1)
    return f"about {fmt.duration(max(seconds, 1) // 1 * 1e9)} left"


def outcome(job: Job) -> str:
    """Verdicts by status, and what judges cost."""
    said = [f"{job['ok']:,} scored", f"{job['not_applicable']:,} not applicable", f"{job['failed']:,} failed"]
    if job["targets_given_up"]:
        said.append(f"{fmt.plural(job['targets_given_up'], 'target')} given up")
    if job["calls"] or job["cached"]:
        said.append(f"{fmt.plural(job['calls'], 'call')} of judges, {job['cached']:,} from the cache")
        said.append(f"cost {fmt.money(job['spent_usd'])}")
    if job["budget_usd"]:
        said.append(f"budget {fmt.money(job['budget_usd'])}")
    return ", ".join(said)


def faults(job: Job) -> list[str]:
    """Why it stopped, why parts of it were given up, why nothing happens."""
    said = [str(job[name]) for name in ("fault", "part_fault") if job[name]]
    waits = (datetime.now(UTC) - at(job["created_at"])).total_seconds()
    if job["state"] == "waiting" and waits > _ALONE_S:
        said.append("No worker has taken it yet. `assay up` runs one; `assay worker` runs another.")
    return said


def _actions(job: Job) -> None:
    if job["state"] in OPEN:
        if st.button("Cancel", key=f"cancel-{job['job_id']}", help="What was scored stays"):
            _do(lambda: data_jobs.cancel_job(job["job_id"]))
        return
    if job["targets_done"] - job["targets_given_up"] >= job["targets"]:
        return
    budget = job["budget_usd"]
    if budget:
        budget = st.number_input(
            "Budget in all, US dollars", min_value=0.01, value=float(budget) * 2, key=f"budget-{job['job_id']}",
            label_visibility="collapsed", width=130, help="Budget in all, US dollars",
        )  # fmt: skip
    if st.button("Go on", key=f"retry-{job['job_id']}", help="With what is not done"):
        _do(lambda: data_jobs.retry_job(job["job_id"], budget))


def _do(order: Any) -> None:
    try:
        order()
    except data.ApiError as error:
        st.error(fmt.plain(str(error), 600), icon=":material/error:")
        return
    st.rerun()  # the whole page: from now on it follows, or no longer


COLUMNS = (
    Column("Given", "112px"),
    Column("State", "84px"),
    Column("Evaluators", "minmax(140px, 1.6fr)", link=True),
    Column("By", "90px"),
    Column("Done", "150px", "right", "Traces or model calls, of all that were ordered"),
    Column("Scored", "70px", "right", "Verdicts that count"),
    Column("Not applicable", "92px", "right"),
    Column("Failed", "60px", "right"),
    Column("Cost", "84px", "right", "Of judges; the others cost nothing"),
)


def _line(job: Job) -> listing.Row:
    given = at(job["created_at"])
    asked = bool(job["calls"] or job["cached"])
    return listing.Row(
        path(job["job_id"]),
        [
            Cell(fmt.narrow(given, widgets.zone(), datetime.now(UTC)), fmt.utc(given)),
            Cell(job["state"], tone=TONES[job["state"]]),
            Cell(fmt.clip(names(job), 200)),
            Cell(fmt.clip(job["author"] or "", 60)),
            Cell(f"{job['targets_done']:,} / {job['targets']:,}", share=round(share(job), 4)),
            Cell(fmt.count(job["ok"]), quiet=not job["ok"]),
            Cell(fmt.count(job["not_applicable"]), quiet=not job["not_applicable"]),
            Cell(fmt.count(job["failed"]), quiet=not job["failed"]),
            Cell(fmt.money(job["spent_usd"]) if asked else "—", quiet=not asked),
        ],
    )  # fmt: skip


def path(job_id: str) -> str:
    """A link to the job, relative to the app's pages."""
    return f"evaluators?{urlencode({TAB: NAME, CHOSEN: job_id})}"
