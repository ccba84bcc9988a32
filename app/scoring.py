"""“Score these” on the Traces page: an order to score the traces of the list, by evaluators of one's choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import (
    data,
    data_evaluators,
    data_jobs,
    data_traces,
    evaluators,
    jobs,
    selection,
    state,
    trial,
    widgets,
)
from app import format as fmt

Card = dict[str, Any]

USUAL, MOST = 200, 10_000  # targets of an order
_LOOKED_AT = 5  # traces, spread over the page of the list, of which it is looked what they have
_UNITS = {"trace": "each trace", "call": "each model call"}
_JOB, _REFUSED = "scoring-job", "scoring-refused"  # session state: the job that the dialog follows; why there is none


def button(
    window: state.Window, params: Mapping[str, Any], traces: Sequence[str], total: int, picked: list[str]
) -> None:
    """Opens the dialog; `traces`: those that are selected (`picked`), else those of the page."""
    if st.button(selection.label("Score these", picked), key="score-these", icon=":material/rule:"):
        st.session_state.pop(_JOB, None)
        _dialog(window, dict(params), list(traces[:: -(-len(traces) // _LOOKED_AT)]), total, picked)


@st.dialog("Score these traces", width="large")
def _dialog(window: state.Window, params: dict[str, Any], traces: list[str], total: int, picked: list[str]) -> None:
    """What is scored, by what, for how much; then how far it is."""
    if job_id := st.session_state.get(_JOB):
        _follow(job_id)
        return
    try:
        cards = data_evaluators.evaluators()
        has = parts(traces)
    except data.ApiError as error:
        st.error(fmt.plain(str(error), 600), icon=":material/error:")
        return
    if picked:
        st.markdown(f"{fmt.plural(len(picked), f'{selection.word(picked)} trace')}.")
    else:
        st.markdown(f"{fmt.plural(total, 'trace')} of {window.words}{_narrowed()}.")
    unit, most = _how_many(len(picked) or total)
    chosen = _evaluators(cards, has)
    budget = _budget(chosen)
    if not chosen:
        st.caption("Choose at least one evaluator.")
        return
    options = _options(chosen)
    if options is not None:
        _ask(order_of(params, unit, most, chosen, options, budget, picked), chosen, budget)


def parts(traces: Sequence[str]) -> dict[str, int]:
    """How many of these traces have each part of a case."""
    cases = [data_traces.case(trace_id) for trace_id in traces]
    names = {name for case in cases for name in case}
    return {name: sum(bool(case.get(name)) for case in cases) for name in names}


def _narrowed() -> str:
    """The filters in words."""
    chosen = {name: st.session_state.get(name) for name in state.FILTERS}
    words = ", ".join(filter(None, [str(chosen.get("q") or ""), state.filter_words(chosen)]))
    return f": {fmt.plain(words, 300)}" if words else ""


def _how_many(total: int) -> tuple[str, int]:
    left, right = st.columns(2)
    unit = left.segmented_control(
        "Score", list(_UNITS), default="trace", required=True, format_func=_UNITS.__getitem__, key="scoring-unit"
    )
    most = right.number_input(
        f"At most, the newest first (up to {MOST:,})", 1, MOST, min(USUAL, total), key="scoring-most", width=240
    )
    return str(unit), int(most)


def _evaluators(cards: Sequence[Card], has: Mapping[str, int]) -> list[Card]:
    """A choice, those first that the traces have something for."""
    known = {card["name"]: card for card in sorted(cards, key=lambda card: lacking(card, has) != [])}
    labels = {name: label(card, has) for name, card in known.items()}
    chosen = st.multiselect(
        "Evaluators", list(known), format_func=labels.__getitem__, key="scoring-evaluators",
        placeholder="Choose evaluators; those that these traces have nothing for come last",
    )  # fmt: skip
    if chosen:
        st.caption("\n".join(f"- {needs_words(known[name], has)}" for name in chosen))
    return [known[name] for name in chosen]


def lacking(card: Card, has: Mapping[str, int]) -> list[str]:
    """What it needs and none of the traces that were looked at has."""
    missing = [part for part in card["needs"] if not has.get(part)]
    return missing or ([] if card["needs"] or any(map(has.get, card["takes"])) else list(card["takes"]))


def label(card: Card, has: Mapping[str, int]) -> str:
    """`groundedness · free`, and what it would need: `exact_match · free · no reference here`."""
    missing = " or ".join(part.replace("_", " ") for part in lacking(card, has))
    return f"{card['name']} · {card['cost']}" + (f" · no {missing} here" if missing else "")


def needs_words(card: Card, has: Mapping[str, int]) -> str:
    """What it needs and measures, and that it is likely to have nothing to say."""
    warned = " None of the traces looked at has that: expect “not applicable”." if lacking(card, has) else ""
    return fmt.plain(f"{card['name']} needs {evaluators.needs(card)}.{warned} {card['measures']}", 400)


def _budget(chosen: Sequence[Card]) -> float | None:
    """What judges may cost in all; null: no bound, or no judge is asked."""
    if not any(card["cost"] != "free" for card in chosen):
        return None
    told = st.number_input(
        "Budget for judges in all, US dollars", min_value=0.01, value=1.0, key="scoring-budget", width=240,
        help="The job stops once it is used up; what is scored stays. Empty: no bound.",
    )  # fmt: skip
    return None if told is None else float(told)


def _options(chosen: Sequence[Card]) -> dict[str, Any] | None:
    """Options by evaluator; null: what is typed cannot be read, and it says why."""
    taking = [card for card in chosen if card["options"]]
    if not taking:
        return {}
    with st.expander("Options", expanded=any(card["cost"] != "free" for card in chosen)):
        for card in taking:
            st.caption(fmt.plain(f"{card['name']}: {', '.join(card['options'])}", 300))
        typed = st.text_area(
            "JSON by evaluator", "{}", key="scoring-options", height=80,
            help=f'Such as {{"{taking[0]["name"]}": {{"{taking[0]["options"][0]}": ...}}}}',
        )  # fmt: skip
    try:
        return meant(trial.options(typed), [card["name"] for card in taking])
    except trial.NoJsonError as error:
        st.error(fmt.plain(str(error), 300), icon=":material/error:")
        return None


def meant(options: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The options, if they are of these evaluators. Raises NoJsonError."""
    if strange := [name for name in options if name not in names]:
        raise trial.NoJsonError(f"Options are told of {', '.join(strange)}, which is not chosen or takes none.")
    return options


def order_of(  # noqa: PLR0917 - as the dialog has them
    params: Mapping[str, Any], unit: str, most: int, chosen: Sequence[Card], options: Mapping[str, Any],
    budget: float | None, picked: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    """The body of `POST /api/jobs`; `params`: of the query `traces`, as the list asks it; `picked`: in their place."""
    wanted = [{"name": card["name"], "options": options.get(card["name"]) or {}} for card in chosen]
    which = {"trace_ids": list(picked)} if picked else {"filter": state.kept(params)}
    return {"evaluators": wanted, "unit": unit, **which, "most": most, "budget_usd": budget}


def _ask(order: Mapping[str, Any], chosen: Sequence[Card], budget: float | None) -> None:
    """What would be done; and the button that has it done."""
    try:
        told = widgets.patiently(st.container(), "Counting what that is", lambda: data_jobs.score_targets(order))
    except data.ApiError as error:
        st.error(fmt.plain(str(error), 600), icon=":material/error:")
        return
    st.markdown(fmt.plain(sentence(told, order, chosen, budget), 400))
    st.button(
        "Start", type="primary", key="scoring-start", disabled=not told["targets"], on_click=_start, args=(order,)
    )
    if refused := st.session_state.pop(_REFUSED, None):
        st.error(fmt.plain(refused, 600), icon=":material/error:")


def _start(order: Mapping[str, Any]) -> None:
    """Give the order; from then on the dialog follows it."""
    try:
        st.session_state[_JOB] = data_jobs.add_job(order)["job_id"]
    except data.ApiError as error:
        st.session_state[_REFUSED] = str(error)


def sentence(
    told: Mapping[str, Any], order: Mapping[str, Any], chosen: Sequence[Card], budget: float | None
) -> str:  # fmt: skip
    """What `Start` would do: `Will score 120 traces by 2 evaluators: 240 verdicts` and so on."""
    noun = {"trace": "trace", "call": "model call"}[order["unit"]]
    targets = told["targets"]
    said = f"Will score {fmt.plural(targets, noun)}"
    if order["unit"] == "trace" and told["matching"] > targets:
        said += f", the newest of {told['matching']:,},"
    said += f" by {fmt.plural(len(chosen), 'evaluator')}: {fmt.plural(targets * len(chosen), 'verdict')}"
    asked = sum(card["cost"] != "free" for card in chosen) * targets
    if not asked:
        return f"{said}; no model is asked, so it costs nothing."
    bound = f"at most about {fmt.money(budget)}" if budget else "without a bound"
    return f"{said}; {asked:,} of them ask a model, {bound}."


@st.fragment(run_every=1.5)
def _follow(job_id: str) -> None:
    """How far the job is, in the place of the choices."""
    try:
        job = data_jobs.job(job_id)
    except data.ApiError as error:
        st.error(fmt.plain(str(error), 600), icon=":material/error:")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{fmt.plain(jobs.names(job), 120)}**", width="content")
        st.badge(job["state"], color=jobs.TONES[job["state"]])
    st.progress(jobs.share(job), fmt.plain(jobs.progress(job), 300))
    st.caption(fmt.plain(jobs.outcome(job), 400))
    for words in jobs.faults(job):
        st.warning(fmt.plain(words, 600), icon=":material/warning:")
    st.page_link(
        "views/evaluators.py", label="The job on Evaluators", icon=":material/rule:",
        query_params={jobs.TAB: jobs.NAME, jobs.CHOSEN: job_id},
    )  # fmt: skip
    st.caption("It goes on when this is closed. Scores appear on each Trace page.")
