"""“Run over a dataset” of the playground: the prompt and the models of its columns as an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import (
    compare_controls,
    data,
    data_datasets,
    data_evaluators,
    data_experiments,
    data_playground,
    data_runs,
    experiments,
    playground_draft,
    playground_models,
)
from app import format as fmt
from app.prompt_edit import NotJsonError, parsed_json

Row = dict[str, Any]

_SAID = "play-ordered"  # session state: the experiment that was ordered, or why none was
_LOOKED_AT = 20  # items by which it is told what a dataset has
_FIRST = (
    "normalised_match",
    "groundedness",
    "answer_relevance",
    "length",
)  # offered first, where items have what they need
_ANSWERED = frozenset({"answer", "usage", "tool_calls", "steps", "messages", "turns"})  # what a run gives of itself


def begin() -> None:
    st.session_state.pop(_SAID, None)


@st.dialog("Run over a dataset", width="large")
def dialog() -> None:
    """Which items, scored by what, how often; then it is ordered."""
    done, said = st.session_state.get(_SAID, (None, ""))
    if done:
        _follow(done)
        return
    every = {str(one["name"]): int(one["items"] or 0) for one in data_datasets.datasets()}
    if not every:
        st.caption("There is no dataset yet: import a file, or add traces, on the page Datasets.")
        return
    offered = data_playground.models()["models"]
    dataset, told = _items(every)
    evaluators = _evaluators(told, judges=any(one["source"] == "judge" for one in offered))
    columns = _columns(playground_models.labelled(offered))
    left, middle, right = st.columns(3)
    repeats = left.number_input(
        "Repeats", 1, 100, 1, key="play-over-repeats", help="Answers to each item, of each model"
    )
    sample = middle.number_input("Sample", 1, None, None, key="play-over-sample", placeholder="all items")
    budget = right.number_input(
        "Budget, US$", 0.01, None, None, key="play-over-budget", placeholder="no bound",
        help="For all models together. A model without a known price is not asked where there is one",
    )  # fmt: skip
    missing = (
        "Choose a dataset that has items."
        if not dataset
        else "Choose an evaluator."
        if not evaluators
        else "Choose a model."
        if not columns
        else ""
    )
    options = {"repeats": repeats, "sample": sample, "budget_usd": budget}
    if missing:
        st.caption(missing)
    else:
        st.caption(_size(told, dataset.get("split"), len(columns), repeats, sample))
    st.button(
        "Run it", key="play-order", type="primary", icon=":material/play_arrow:", disabled=bool(missing),
        on_click=_order, args=(dataset, evaluators, columns, options),
    )  # fmt: skip
    if said:
        st.error(fmt.plain(said, 900), icon=":material/error:")


def chosen_first(every: Mapping[str, int], of: str | None) -> int:
    """The place of the dataset that is offered, among names with how many items: of the item that fills the variables.

    Else the first that has any.
    """
    names = list(every)
    if of in every:
        return names.index(str(of))
    return next((place for place, name in enumerate(names) if every[name]), 0)


def _items(every: Mapping[str, int]) -> tuple[Row, Row]:
    """The dataset as a suite has it; empty: nothing is in it. And what is known of it."""
    of = (playground_draft.draft()["item"] or {}).get("dataset")
    left, middle, right = st.columns((3, 1, 1))
    name = left.selectbox("Dataset", list(every), index=chosen_first(every, of), key="play-over-dataset")
    told = data_datasets.dataset(str(name))
    if not told["versions"]:
        return {}, told
    versions = [one["version"] for one in told["versions"]]
    version = middle.selectbox("Version", versions, key=f"play-over-version-{name}")
    if version != told["shown"]:
        told = data_datasets.dataset(str(name), int(version))
    splits = [split for split in told["splits"] if split]
    split = right.selectbox(
        "Split", splits, index=None, key=f"play-over-split-{name}", placeholder="all", disabled=not splits
    )
    return {"stored": name, "version": version, "split": split}, told


def _evaluators(told: Mapping[str, Any], *, judges: bool) -> list[str]:
    """Evaluators that ask nobody, and judges where there are some; those that the items suit are chosen already."""
    cards = {
        one["name"]: one
        for one in data_evaluators.evaluators()
        if one["cost"] == "free" or (judges and one["cost"] == "judge")
    }
    fields = _fields(told)
    fits = [name for name in _FIRST if name in cards and set(cards[name]["needs"]) <= fields]
    names = sorted(cards, key=lambda name: (cards[name]["cost"] != "free", name))
    chosen = st.multiselect(
        "Evaluators", names, default=fits[:2], key=f"play-over-evaluators-{told['name']}",
        format_func=lambda name: f"{name} (asks a model)" if cards[name]["cost"] == "judge" else name,
        help="Judges are those of ASSAY_JUDGES_FILE" if judges else "Judges are offered once ASSAY_JUDGES_FILE is set",
    )  # fmt: skip
    lacking = {name: sorted(set(cards[name]["needs"]) - fields) for name in chosen}
    for name, needs in lacking.items():
        if needs and told["versions"]:
            st.caption(f"{name} needs {' and '.join(needs)}, which the first items do not have.")
    return list(chosen)


def _fields(told: Mapping[str, Any]) -> set[str]:
    """What the first items of a dataset have, and what answers give of themselves."""
    if not told["versions"]:
        return set(_ANSWERED)
    found = data_datasets.items(told, page_size=_LOOKED_AT)["items"]
    return {name for one in found for name, value in one.items() if value not in (None, "", [], {})} | _ANSWERED


def _columns(known: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    """The models that are asked, as a suite has them."""
    labels: dict[str, Row] = {}
    for place, number in enumerate(playground_draft.draft()["columns"]):
        column = playground_draft.column(number)
        try:
            told = playground_models.settings(column, known)
        except playground_models.ColumnError:
            continue
        more = playground_models.told(column)
        labels[f"Column {place + 1}: {told['model']}{f', {more}' if more else ''}"] = told
    chosen = list(labels)
    if len(labels) > 1:
        chosen = st.multiselect("Models", labels, default=list(labels), key=f"play-over-columns-{len(labels)}")
    return [labels[label] for label in chosen]


def _size(told: Mapping[str, Any], split: str | None, models: int, repeats: int, sample: int | None) -> str:
    """How many answers will be asked for."""
    items = int(told["splits"].get(split, 0)) if split and isinstance(told["splits"], dict) else int(told["items"])
    items = min(items, sample or items)
    times = f" x {fmt.plural(models, 'model')}" + (f" x {repeats:,} repeats" if repeats > 1 else "")
    return f"{fmt.plural(items * models * repeats, 'answer')}: {fmt.plural(items, 'item')}{times}."


def _order(dataset: Row, evaluators: list[str], columns: list[Row], options: Row) -> None:
    try:
        st.session_state[_SAID] = (_ordered(dataset, evaluators, columns, options), "")
    except (data.ApiError, NotJsonError) as error:
        st.session_state[_SAID] = (None, str(error))


def _ordered(dataset: Row, evaluators: list[str], columns: list[Row], options: Row) -> Row:
    asked = {**_content(), "models": columns, "dataset": dataset, "evaluators": evaluators}
    made = data_playground.suite(asked)
    problem = data_runs.check(made["document"], None)["problem"]
    if problem is not None:
        raise data.ApiError("refused", str(problem))
    names = ", ".join(dict.fromkeys(one["model"] for one in columns))
    wish = {
        "name": fmt.clip(f"{names} over {dataset['stored']}", 100),
        "document": made["document"],
        "over": made["over"],
    }
    return data_experiments.order(wish | {name: value for name, value in options.items() if value is not None})


def _content() -> Row:
    """The stored prompt where it is unchanged, so that the runs carry its version; else what is typed."""
    held, content = playground_draft.draft(), playground_draft.content()
    tools = parsed_json("Tools", str(st.session_state.get(playground_draft.TOOLS) or ""), list, "a list [...]")
    if held["prompt"] and content == held["loaded"]:
        return {"stored": held["prompt"]["name"], "version": held["prompt"]["version"], "tools": tools}
    return {**content, "tools": tools}


def _follow(ordered: Mapping[str, Any]) -> None:
    """Where it can be followed."""
    many = len(ordered["runs"])
    st.success(
        fmt.plain(f"Ordered: {ordered['name']}. A worker carries out {fmt.plural(many, 'run')}, one after other.", 300),
        icon=":material/check:",
    )
    with st.container(horizontal=True):
        st.page_link(
            experiments.PATH, label="Open the experiment", icon=":material/arrow_forward:",
            query_params={experiments.CHOSEN: str(ordered["experiment_id"])},
        )  # fmt: skip
        if many > 1:
            st.page_link(
                compare_controls.PATH, label="Compare, once they have ended", icon=":material/compare_arrows:",
                query_params=compare_controls.link([str(one["run_id"]) for one in ordered["runs"]]),
            )  # fmt: skip
