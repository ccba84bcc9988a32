"""The parts of the page Online rules: which rules there are, and one of them with what it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from app import charts_rules, data, data_rules, jobs, listing, rule_work, widgets
from app import format as fmt
from app.listing import Cell, Column

Rule = dict[str, Any]

PATH = "views/online_rules.py"
# Of the URL: which rule is open, which is edited, a new one, which part of the page.
NAME, EDIT, MAKE, PART = "rule", "edit", "make", "part"
FOLLOW = "follow-rules"  # key of the switch
EVERY_S = 3
HOURS = 24
UNITS = {"trace": "traces", "call": "model calls", "session": "sessions"}
TONES: Mapping[str, Literal["green", "orange", "gray"]] = {"on": "green", "waiting": "orange", "off": "gray"}
WORK = ("failures", "queue", "backfills")


def chosen(key: str) -> str:
    """A name that the URL has under this key; '' none."""
    return str(st.query_params.get(key) or "")


def overview(found: Sequence[Rule]) -> None:
    """All rules of the project; they refresh themselves where that is switched on."""
    if not found:
        widgets.empty(
            "Rules that score new traces as they come would be listed here.",
            "None is set yet. A rule names traces, a share of them, evaluators, and what judges may spend.",
            lambda: st.page_link(PATH, label="Set the first rule", icon=":material/add:", query_params={MAKE: "1"}),
        )
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        said = st.empty()
        st.space("stretch")
        follows = _follow()
        st.page_link(PATH, label="New rule", icon=":material/add:", query_params={MAKE: "1"})
    st.fragment(_list, run_every=EVERY_S if follows else None)(said)


def _follow() -> bool:
    return bool(st.toggle(f"Refresh every {EVERY_S} s", value=True, key=FOLLOW))


def _list(said: Any) -> None:
    try:
        found = data_rules.rules()
    except data.ApiError as error:
        st.error(fmt.plain(str(error), 600), icon=":material/error:")
        return
    said.markdown(finding(found))
    listing.listing("rules", "Online rules", COLUMNS, [_line(rule) for rule in found])
    now = fmt.clock(datetime.now(UTC), widgets.zone())
    st.caption(f"Days of budgets are UTC; read at {now}. Keys: j k move, Enter opens.")


def finding(found: Sequence[Rule]) -> str:
    """What waits and what failed, over all rules: `3 rules, 2 on. 40 targets pending, the oldest new one for 12 s`."""
    on = sum(rule["state"] != "off" for rule in found)
    waits = [rule["backlog"] for rule in found]
    pending, failed = (sum(one[name] for one in waits) for name in ("pending", "failures"))
    said = f"{fmt.plural(len(found), 'rule')}, {on:,} on. "
    oldest = min((one["oldest_pending"] for one in waits if one["oldest_pending"]), default=None)
    said += f"{fmt.plural(pending, 'target')} pending" if pending else "Nothing is pending"
    said += f", the oldest new one for {age(oldest)}. " if pending and oldest else ". "
    return said + (f"{fmt.plural(failed, 'failure')} to look at." if failed else "Nothing failed.")


def age(since: str | None) -> str:
    """How long ago a time of the API was: `12 s`; `—`: there is none."""
    if not since:
        return "—"
    seconds = max(0.0, (datetime.now(UTC) - jobs.at(since)).total_seconds())
    return fmt.duration(max(seconds, 1) // 1 * 1e9)


COLUMNS = (
    Column("Rule", "minmax(110px, 1.2fr)", link=True),
    Column("State", "70px"),
    Column("Scores", "134px", help="Share and kind of the targets"),
    Column("Evaluators", "minmax(110px, 1.4fr)"),
    Column("Pending", "64px", "right", "Targets that wait or are being scored"),
    Column("Oldest", "62px", "right", "How long the oldest new one has waited"),
    Column("Failures", "64px", "right", "Targets that an evaluator could not score, until they are retried"),
    Column("Scored 24 h", "84px", "right"),
    Column("Spent today", "104px", "right", "By judges, of the budget of a day in UTC"),
)


def _line(rule: Rule) -> listing.Row:
    waits = rule["backlog"]
    return listing.Row(
        path(rule["name"]),
        [
            Cell(rule["name"], rule["description"]),
            Cell(rule["state"], rule["why"] or "", tone=TONES[rule["state"]]),
            Cell(share(rule)),
            Cell(fmt.clip(names(rule), 200), names(rule)),
            Cell(fmt.count(waits["pending"]), quiet=not waits["pending"]),
            Cell(age(waits["oldest_pending"]), quiet=not waits["oldest_pending"]),
            Cell(fmt.count(waits["failures"]), tone="red" if waits["failures"] else "", quiet=not waits["failures"]),
            Cell(fmt.count(waits["targets_day"]), quiet=not waits["targets_day"]),
            Cell(spent(rule), quiet=not waits["spent_today_usd"]),
        ],
    )


def path(name: str) -> str:
    """A link to a rule, relative to the app's pages."""
    return f"online_rules?{urlencode({NAME: name})}"


def names(rule: Rule) -> str:
    """Its evaluators: `groundedness, toxicity`."""
    return ", ".join(str(one["name"]) for one in rule["evaluators"])


def share(rule: Rule) -> str:
    """`10 % of traces`."""
    return f"{rule['sample_rate'] * 100:.4g} % of {UNITS[rule['unit']]}"


def spent(rule: Rule) -> str:
    """`$0.12 of $2`; `—`: it asks nothing that costs."""
    today, budget = rule["backlog"]["spent_today_usd"], rule["budget_usd_per_day"]
    if today is None and budget is None:
        return "—"
    of = f" of {fmt.money(budget)}" if budget is not None else ""
    return f"{fmt.money(today or 0.0)}{of}"


# One rule.


def one(found: Sequence[Rule], name: str) -> None:
    """All of one rule."""
    rule = next((rule for rule in found if rule["name"] == name), None)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(fmt.plain(name, 100), anchor=False, width="content")
        if rule is not None:
            st.badge(rule["state"], color=TONES[rule["state"]])
        st.space("stretch")
        follows = rule is not None and _follow()
        st.page_link(PATH, label="All rules", icon=":material/arrow_back:")
    if rule is None:
        widgets.empty("A rule would be here.", f"None is named {fmt.plain(name, 100)} in this project.")
        return
    if rule["description"]:
        st.markdown(fmt.plain(rule["description"], 600))
    _facts(rule)
    _actions(rule)
    st.fragment(_work, run_every=EVERY_S if follows else None)(name)


def _facts(rule: Rule) -> None:
    looked = ", ".join(f"{key} {value}" for key, value in rule["filter"].items()) or "all"
    in_all = fmt.money(rule["budget_usd"]) if rule["budget_usd"] is not None else "no bound"
    a_day = fmt.money(rule["budget_usd_per_day"]) if rule["budget_usd_per_day"] is not None else "no bound"
    by = f" by {fmt.clip(rule['author'], 40)}" if rule["author"] else ""
    widgets.fields(
        {
            "Scores": share(rule),
            "Traces": fmt.clip(looked, 200),
            "Evaluators": names(rule),
            "Over after": f"{rule['quiet_s']} s without new spans",
            "Budget a day (UTC)": a_day,
            "Budget in all": in_all,
            "Version": f"{rule['version']}{by}",
            "Set": fmt.recent(jobs.at(rule["set_at"]), widgets.zone(), datetime.now(UTC)),
        }
    )


def _actions(rule: Rule) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(PATH, label="Edit", icon=":material/edit:", query_params={EDIT: rule["name"]})
        st.button(
            "Turn on" if rule["state"] == "off" else "Turn off", key="rule-turn",
            icon=":material/power_settings_new:", on_click=_turn, args=(rule,),
        )  # fmt: skip
        if st.button("Backfill", key="rule-backfill", icon=":material/history:"):
            rule_work.open_backfill(rule)
        if st.button("Delete", key="rule-delete", icon=":material/delete:"):
            _delete(rule)
    if refused := st.session_state.pop(_REFUSED, None):
        st.error(fmt.plain(refused, 600), icon=":material/error:")


_REFUSED = "rule-refused"  # session state: why the last click did nothing
TERMS = (
    "description", "enabled", "unit", "filter", "sample_rate", "evaluators", "budget_usd_per_day", "budget_usd",
    "quiet_s",
)  # fmt: skip
"""What of a rule is set."""


def terms(rule: Rule) -> dict[str, Any]:
    """What a rule says, as it is set."""
    return {name: rule[name] for name in TERMS}


def _turn(rule: Rule) -> None:
    try:
        data_rules.set_rule(rule["name"], terms(rule) | {"enabled": rule["state"] == "off"})
    except data.ApiError as error:
        st.session_state[_REFUSED] = str(error)


@st.dialog("Delete this rule")
def _delete(rule: Rule) -> None:
    waits = rule["backlog"]["pending"]
    left = f"{fmt.plural(waits, 'pending target')} will not be scored. " if waits else ""
    st.markdown(f"**{fmt.plain(rule['name'], 100)}** {left}Its scores stay.")
    st.button("Delete it", type="primary", key="rule-delete-sure", on_click=_deleted, args=(rule["name"],))


def _deleted(name: str) -> None:
    try:
        data_rules.delete_rule(name)
    except data.ApiError as error:
        st.session_state[_REFUSED] = str(error)
        return
    st.query_params.pop(NAME, None)


def _work(name: str) -> None:
    """What waits, what was done, what failed: the part that refreshes itself."""
    try:
        rule = next((rule for rule in data_rules.rules() if rule["name"] == name), None)
        if rule is None:
            st.rerun()
        told = data_rules.rule_backlog(name, HOURS)
    except data.ApiError as error:
        widgets.failed("What the rule does did not come.", error, "It goes on without this page.")
        return
    if rule["why"]:
        st.warning(fmt.plain(rule["why"], 300), icon=":material/hourglass_top:")
    _tiles(rule)
    _figure(told["hours"])
    part = st.segmented_control(
        "Part", WORK, default=WORK[0], required=True, key=PART, bind="query-params", label_visibility="collapsed"
    )
    {"failures": rule_work.failures, "queue": rule_work.queue, "backfills": rule_work.backfills}[str(part)](rule)


def _tiles(rule: Rule) -> None:
    waits = rule["backlog"]
    behind = f"; {waits['backfill_pending']:,} of backfills" if waits["backfill_pending"] else ""
    retried = f"{waits['retrying']:,} ordered again" if waits["retrying"] else "none ordered again"
    budget = rule["budget_usd_per_day"]
    money = "—" if waits["spent_today_usd"] is None else fmt.money(waits["spent_today_usd"])
    a_day = f"of {fmt.money(budget)} a day" if budget is not None else "by judges; no budget a day"
    told = (
        (
            "Pending",
            fmt.count(waits["pending"]),
            "Targets that wait or are being scored",
            f"{waits['working']:,} with a worker{behind}",
        ),
        (
            "Oldest pending",
            age(waits["oldest_pending"]),
            "How long the first of the new ones has waited",
            "of the new ones",
        ),
        (
            "Failures",
            fmt.count(waits["failures"]),
            "Targets that an evaluator could not score, until they are retried",
            retried,
        ),
        (
            "Scored in 24 h",
            fmt.count(waits["targets_day"]),
            "Targets; each has a verdict of each evaluator",
            f"{waits['targets_ever']:,} in all",
        ),
        ("Spent today", money, "By judges since midnight UTC, backfills included", a_day),
    )
    widgets.tiles(*(widgets.Tile(label, value, what, note, []) for label, value, what, note in told))


def _figure(hours: Sequence[Mapping[str, Any]]) -> None:
    """Verdicts by the hour; nothing where there are none: the tiles say so."""
    if not hours:
        return
    frame = by_hour(hours, datetime.now(UTC))
    total, zone = int(frame[list(charts_rules.VERDICTS)].sum().sum()), widgets.zone()
    if not total:
        return
    local = frame.assign(bucket=frame["bucket"].dt.tz_convert(zone).dt.tz_localize(None))
    st.plotly_chart(
        charts_rules.verdicts(
            local, f"n = {fmt.plural(total, 'verdict')}, the last {HOURS} hours by 1 h", widgets.theme()
        ),
        theme=None, key="rule-hours", config={"displayModeBar": False}, alt="Verdicts of the rule by the hour",
    )  # fmt: skip
    with st.expander("Table by the hour"):
        st.dataframe(pd.DataFrame(hours), hide_index=True, height=200)


def by_hour(hours: Sequence[Mapping[str, Any]], now: datetime) -> pd.DataFrame:
    """A row for each of the last `HOURS` hours (UTC, `bucket`), with the verdicts of each kind."""
    counts = list(charts_rules.VERDICTS)
    told = pd.DataFrame([{"bucket": jobs.at(one["hour"])} | {name: one[name] for name in counts} for one in hours])
    end = pd.Timestamp(now).floor("h")
    buckets = pd.date_range(end - pd.Timedelta(hours=HOURS - 1), end, freq="h", name="bucket")
    full = told.set_index("bucket").reindex(buckets).reset_index()
    return full.assign(**{name: full[name].fillna(0).astype("int64") for name in counts})
