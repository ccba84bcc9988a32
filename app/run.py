"""One run: what came of it first, then its gates, distributions, rows, cost, and what it was made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import pandas as pd
import streamlit as st

from app import charts, data, data_runs, run_rows, runs, suites, widgets
from app import format as fmt
from app.widgets import Tile

Run = dict[str, Any]

_DRAWN = 20  # gates in the figure; the table has all
_FIGURES = 3  # beside one another
_ALONE_S = 10.0  # a worker looks for something to do every five seconds
_WORDS = {"done": "", "cut_off": "It was cut off before its end.", "cancelled": "It was cancelled before its end."}
_NAMES = {
    "latency_ms": "Latency", "ttft_ms": "Time to first token", "cost_usd": "Cost", "input_tokens": "Input tokens",
    "output_tokens": "Output tokens",
}  # fmt: skip


def page(run_id: str) -> None:
    """The run whole, or one item of it; while it goes on, how far it is."""
    try:
        with st.skeleton(height=400):
            told = data_runs.run(run_id)
    except data.ApiError as error:
        if error.status not in {404, 422}:
            raise
        _head(None)
        widgets.empty("A run would be here.", f"There is none of the id {fmt.plain(run_id, 60)} in this project.")
        return
    if told["summary"] is not None and (item := run_rows.chosen()):
        run_rows.item(told, item)
        return
    _head(told)
    if told["state"] in runs.OPEN:
        st.fragment(_follow, run_every=runs.EVERY_S)(run_id)
    elif told["state"] != "done":
        _stopped(told)
    if told["summary"] is not None:
        _came_of_it(told)
    elif told["manifest"] is not None:
        _made_from(told)


def _head(told: Run | None) -> None:
    """Suite, outcome, when; the way back, and what can be done."""
    known = {*runs.FILTERS, runs.BEFORE}
    kept = {key: value for key, value in parse_qsl(st.query_params.get("back", "")) if key in known}
    with st.container(horizontal=True, vertical_alignment="center"):
        if told is not None:
            st.subheader(fmt.plain(told["suite"], 80), anchor=False, width="content")
            st.badge(runs.word(told), color=runs.TONES[runs.word(told)])
            st.caption(_begun(told), width="content")
        st.space("stretch")
        if told is not None:
            _actions(told)
        st.page_link("views/runs.py", label="All runs", icon=":material/arrow_back:", query_params=kept)


def _begun(told: Run) -> str:
    begun = runs.at(told["started_at"] or told["created_at"])
    by = f" by {fmt.plain(told['author'], 60)}" if told["author"] else ""
    how = "from the command line" if told["source"] == "cli" else "ordered here"
    return f"{fmt.moment(begun, widgets.zone())} {widgets.zone()}, {how}{by}"


def _actions(told: Run) -> None:
    if told["source"] == "app" and told["state"] not in runs.OPEN and _lacks(told):
        st.button(
            "Rerun failed", key="again", icon=":material/replay:", on_click=_again, args=(told,),
            help="Asks again for what failed or was not done; all else is kept",
        )  # fmt: skip
    with st.popover("More", icon=":material/more_horiz:", key="run-more", on_change="rerun") as more:
        if more.open:
            _more(told)
    if refused := st.session_state.pop("run-refused", None):
        st.toast(fmt.plain(refused, 300), icon=":material/error:")


def _lacks(told: Run) -> bool:
    """Whether anything failed or was not done."""
    summary = told["summary"]
    if told["state"] != "done" or summary is None:
        return True
    return bool(summary["failed_answers"]) or any(one["errors"] for one in summary["evaluators"])


def _more(told: Run) -> None:
    """What is needed seldom. The texts are fetched when somebody wants them."""
    if told["summary"] is not None:
        for label, name, mime, ask in (
            ("results.jsonl", "results.jsonl", "application/x-ndjson", data_runs.results),
            ("report.html", "report.html", "text/html", data_runs.report),
        ):
            st.download_button(
                label, lambda ask=ask: ask(told), f"{told['suite']}-{told['run_id'][:8]}-{name}", mime,  # type: ignore[misc]  # default binds the loop variable
                key=f"get-{name}", icon=":material/download:", on_click="ignore", width="stretch",
            )  # fmt: skip
    if told["state"] != "running":
        st.button("Delete", key="delete-run", icon=":material/delete:", on_click=_ask_delete, width="stretch")
    if st.session_state.pop("deleting-run", False):
        _delete(told)
    st.caption(f"Run {told['run_id']}")


def _ask_delete() -> None:
    st.session_state["deleting-run"] = True


@st.dialog("Delete this run")
def _delete(told: Run) -> None:
    st.markdown(
        f"The run of {fmt.plain(told['suite'])} and its rows are forgotten for everyone. Its folder stays where it was "
        "run."
    )
    if st.button("Delete it", key="delete-it", type="primary"):
        try:
            data_runs.forget(told["run_id"])
        except data.ApiError as error:
            st.error(fmt.plain(str(error), 600), icon=":material/error:")
            return
        st.query_params.pop(runs.CHOSEN, None)
        st.rerun()


def _again(told: Run) -> None:
    wish = told["wish"] or {}
    kept = {name: wish[name] for name in ("repeats", "sample", "concurrency", "budget_usd", "baseline") if name in wish}
    try:
        data_runs.order(told["suite"], kept | {"again": told["run_id"]})
    except data.ApiError as error:
        st.session_state["run-refused"] = str(error)


def _follow(run_id: str) -> None:
    """How far the run is; the page is drawn anew once it is over."""
    told = data_runs.run(run_id)
    if told["state"] not in runs.OPEN:
        st.rerun()
    moving(told)


def moving(told: Run) -> None:
    """A run that waits or goes on: how far it is, what it cost so far, a way to end it."""
    with st.container(border=True, gap="small", key=f"moving-{told['run_id']}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(runs.share(told), fmt.plain(runs.progress(told), 200))
            if told["source"] == "app" and st.button(
                "Cancel", key=f"cancel-{told['run_id']}", help="What was answered is kept"
            ):
                _cancel(told)
        said = [] if not told["cost_usd"] else [f"cost so far {fmt.money(told['cost_usd'])}"]
        waits = (pd.Timestamp.now("UTC") - runs.at(told["created_at"])).total_seconds()
        if told["state"] == "waiting" and waits > _ALONE_S:
            said.append("no worker has taken it yet: `assay up` runs one, `assay worker` another")
        st.caption(fmt.plain("; ".join(said), 300) or "Rows appear once it has ended.")


def _cancel(told: Run) -> None:
    try:
        data_runs.cancel(told["run_id"])
    except data.ApiError as error:
        st.error(fmt.plain(str(error), 600), icon=":material/error:")
        return
    st.rerun()


def _stopped(told: Run) -> None:
    """Why there is no end, and how to come to one."""
    if told["state"] == "failed":
        st.error("**The run could not be carried out.**", icon=":material/error:")
        for line in str(told["fault"] or "Nobody said why.").splitlines():
            st.text(fmt.clip(line, 400))
    else:
        st.warning(_WORDS[told["state"]], icon=":material/warning:")
    way = "“Rerun failed” goes on with it." if told["source"] == "app" else "The same command goes on with it."
    far = f"{runs.progress(told)}. " if told["answers_total"] else ""
    st.caption(f"{far}What was answered is kept. {way}")


def _came_of_it(told: Run) -> None:
    summary = told["summary"]
    for place, sentence in enumerate(summary["sentences"]):
        st.markdown(f"**{fmt.plain(sentence, 500)}**" if not place else fmt.plain(sentence, 500))
    widgets.tiles(*tiles(summary))
    _gates(summary)
    _against(told)
    _evaluators(told, summary)
    run_rows.section(told)
    with st.container(gap="small"):
        _flaky(told, summary)
        _measured(summary)
        _made_from(told)


def tiles(summary: Mapping[str, Any]) -> list[Tile]:
    """Gates, answers, cost, latency, flips."""
    lost = sum(summary["failed_answers"].values())
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in summary["failed_answers"].items())
    gates = summary["gates"]
    fails = sum(bool(gate["fails"]) for gate in gates)
    states = runs.gates_words(
        {"gates": pd.Series([gate["state"] for gate in gates], dtype=object).value_counts().to_dict()}
    )
    return [
        Tile("Gates that fail", f"{fails:,} of {len(gates):,}", fmt.plain(states), states if gates else "none", []),
        Tile(
            "Answers that failed", f"{lost:,} of {summary['answers']:,}", fmt.plain(kinds or "All answers came"),
            f"{summary['cut']:,} cut, {summary['held_back']:,} held back", [],
        ),
        _cost(summary["cost"]), _latency(summary["measured"]), _flips(summary),
    ]  # fmt: skip


def _cost(cost: Mapping[str, Any]) -> Tile:
    known = [cost[name] for name in ("target_usd", "judges_usd") if cost[name] is not None]
    told = f"target {fmt.money(cost['target_usd'])}, judges {fmt.money(cost['judges_usd'])}"
    note = f"unknown of {fmt.plural(cost['unknown'], 'answer')}" if cost["unknown"] else "of target and judges"
    value = f"{'≥ ' if cost['unknown'] and known else ''}{fmt.money(sum(known) if known else None)}"
    return Tile("Cost", value, fmt.plain(told), note, [])


def _latency(measured: Sequence[Mapping[str, Any]]) -> Tile:
    found = next((one for one in measured if one["name"] == "latency_ms"), None)
    if found is None:
        return Tile("Latency, p50", fmt.UNKNOWN, "No answer tells how long it took", "not measured", [])
    p50, p95 = (fmt.duration(_quantile(found, name) * 1e6) for name in ("p50", "p95"))
    return Tile("Latency, p50", p50, fmt.plain(f"Over {fmt.plural(found['known'], 'answer')}"), f"p95 {p95}", [])


def _quantile(found: Mapping[str, Any], name: str) -> float:
    told = found[name]
    return float(told["value"] if isinstance(told, dict) else told)


def _flips(summary: Mapping[str, Any]) -> Tile:
    if summary["repeats"] < 2:
        return Tile("Flaky items", "—", "Ask for repeats to see whether answers flip", "one answer each", [])
    note = f"of {summary['items']:,}, {summary['repeats']:,} answers each"
    return Tile("Flaky items", f"{summary['flaky_count']:,}", "Verdicts that differ between repeats", note, [])


def gate_rows(summary: Mapping[str, Any]) -> pd.DataFrame:
    """The gates as `charts.gates` draws them, in their order; `table` columns beside."""
    scales = {one["name"]: one["scale"] for one in summary["evaluators"]}
    return pd.DataFrame([_gate(gate, scales) for gate in summary["gates"]])


def _gate(gate: Mapping[str, Any], scales: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    estimate, bound, better = gate["estimate"], gate["bound"], -1 if "<=" in gate["text"] else 1
    if gate["margin"] is not None:  # against a baseline: the change, and how far it may fall
        lower = gate["measure"] == "errors" or gate["of"].startswith("target.")
        lower |= gate["measure"] != "pass_rate" and scales.get(gate["of"], {}).get("better") == "lower"
        estimate, better = gate["effect"], -1 if lower else 1
        bound = -better * gate["margin"]
    told = estimate or {}
    word = runs.gate_word(gate["state"]) + (", fails" if gate["fails"] else "")
    return {
        "text": gate["text"], "state": gate["state"], "word": word, "bound": bound, "better": better,
        "value": told.get("value"), "low": told.get("low"), "high": told.get("high"), "n": told.get("n"),
        "value_text": _value(told, change=gate["margin"] is not None),
        "told": f"{fmt.clip(gate['sentence'], 160)}".replace("&", "&amp;").replace("<", "&lt;"),
        "sentence": gate["sentence"], "adjusted_p": gate["adjusted_p"], "missing": gate["missing"],
    }  # fmt: skip


def _value(told: Mapping[str, Any], *, change: bool = False) -> str:
    """`0.72 [0.68, 0.76]`; of a change with its sign."""
    if fmt.absent(told.get("value")):
        return "no value"
    sign = "+" if change and told["value"] > 0 else ""
    ends = [float(end) for end in (told.get("low"), told.get("high")) if end is not None and not fmt.absent(end)]
    interval = f" [{', '.join(map(fmt.digits, ends))}]" if len(ends) == 2 else ""
    return f"{sign}{fmt.digits(told['value'])}{interval}"


def _gates(summary: Mapping[str, Any]) -> None:
    """The figure, and the table that says the same in words."""
    if not summary["gates"]:
        widgets.empty(
            "Gates would be drawn here.", "The suite has none. A gate says what must hold, so that a build fails."
        )
        return
    rows = gate_rows(summary)
    subtitle = f"90 % intervals over {fmt.plural(summary['items'], 'item')}; a gate fails only when chance is ruled out"
    drawn = rows.head(_DRAWN)
    st.plotly_chart(
        charts.gates(drawn, subtitle, widgets.theme()), theme=None, key="gates", config={"displayModeBar": False},
        alt="Gates: interval of each against its bound; the table below says the same in words",
    )  # fmt: skip
    if len(rows) > _DRAWN:
        widgets.cut(_DRAWN, len(rows), "gates")
    told = pd.DataFrame([*map(_told, rows.to_dict("records")), _complete(summary["completeness"])])
    with st.expander("Gates as a table", expanded=False):
        st.table(told, border="horizontal", hide_index=True, alt="Gates of the run")


def _told(row: Mapping[Any, Any]) -> dict[str, str]:
    """A gate as a row of the table, whose cells are Markdown."""
    p = "" if fmt.absent(row["adjusted_p"]) else fmt.digits(row["adjusted_p"])
    return _plain(
        {
            "Gate": row["text"], "State": row["word"], "Value": row["value_text"], "Adjusted p": p,
            "Missing": fmt.count(row["missing"]), "Says": row["sentence"],
        }
    )  # fmt: skip


def _complete(told: Mapping[str, Any]) -> dict[str, str]:
    """Whether so few answers failed that the rest stands for all, beside the gates."""
    word = runs.gate_word(told["state"]) + (", fails" if told["fails"] else "")
    cells = {"Gate": told["text"], "State": word, "Value": "", "Adjusted p": "", "Missing": ""}
    return _plain({**cells, "Says": told["sentence"]})


def _plain(cells: Mapping[str, str]) -> dict[str, str]:
    return {name: fmt.plain(text, 400) for name, text in cells.items()}


def _evaluators(told: Run, summary: Mapping[str, Any]) -> None:
    """How the verdicts of each evaluator lie."""
    st.subheader("Evaluators", anchor=False)
    bounds = _passing(told)
    found = summary["evaluators"]
    for start in range(0, len(found), _FIGURES):
        for slot, one in zip(st.columns(_FIGURES), found[start : start + _FIGURES], strict=False):
            with slot:
                _evaluator(one, bounds.get(one["name"]))


def _passing(told: Run) -> dict[str, float]:
    """From where each evaluator's verdicts pass, where one number says so."""
    rules = {name: one.get("pass") or {} for name, one in (told["manifest"] or {}).get("evaluators", {}).items()}
    found = {name: rule.get("at_least", rule.get("at_most")) for name, rule in rules.items()}
    return {name: bound for name, bound in found.items() if bound is not None}


def _evaluator(one: Mapping[str, Any], bound: float | None) -> None:
    title = one["name"]
    said = [f"mean {_value(one['mean'])}"] if one["mean"] else []
    said += [f"passes {_share(one['pass_rate'])}"] if one["pass_rate"] else []
    subtitle = f"n = {one['ok']:,}" + (f", {', '.join(said)}" if said else "")
    counts = {name: count for name, count in one["labels"].items() if count}
    histogram = one["histogram"]
    figure = None
    if histogram is not None and not (counts and _only_ends(histogram)):
        figure = charts.spread(histogram["edges"], histogram["counts"], bound, (title, subtitle), widgets.theme())
    elif counts:
        figure = charts.labelled(counts, title, subtitle, widgets.theme())
    if figure is None:
        st.markdown(f"**{fmt.plain(title, 60)}**  \nNo verdict has a value: see why in its rows.")
    else:
        st.plotly_chart(
            figure, theme=None, key=f"spread-{title}", config={"displayModeBar": False},
            alt=f"Verdicts of {title}: {subtitle}",
        )  # fmt: skip
    lost = [f"{one['errors']:,} failed ({_kinds(one['error_types'])})"] if one["errors"] else []
    idle = [f"{one['not_applicable']:,} not applicable"] if one["not_applicable"] else []
    with st.container(horizontal=True, vertical_alignment="center"):
        link = {"evaluator": one["evaluator"]}
        st.page_link(
            "views/evaluators.py", label=fmt.plain(one["evaluator"], 60), icon=":material/rule:", query_params=link
        )
        st.caption(
            fmt.plain(", ".join([*lost, *idle]) or f"{one['cost']}, version {one['version']}", 200), width="content"
        )


def _only_ends(histogram: Mapping[str, Any]) -> bool:
    """Whether values stand for two labels: bars of the labels say more than two bins."""
    return sum(bool(count) for count in histogram["counts"]) <= 2


def _share(told: Mapping[str, Any]) -> str:
    return fmt.percent(told["value"]) if not fmt.absent(told["value"]) else fmt.UNKNOWN


def _kinds(types: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in types.items())


def _flaky(told: Run, summary: Mapping[str, Any]) -> None:
    """Items whose verdicts flip between repeats."""
    flips = summary["flaky_items"]
    if not flips:
        return
    with st.expander(f"Flaky items ({summary['flaky_count']:,})"):
        shares = [one for one in summary["evaluators"] if one["flaky"]]
        for one in shares:
            found = one["flaky"]
            interval = _value(found["share"])
            st.markdown(
                fmt.plain(
                    f"{one['name']}: {found['items']:,} of {found['of']:,} items flip, a share of {interval}.", 300
                )
            )
        run_rows.flips(told, flips)
        if summary["flaky_count"] > len(flips):
            widgets.cut(len(flips), summary["flaky_count"], "flaky items")


def _measured(summary: Mapping[str, Any]) -> None:
    """Latency, tokens, cost of an answer."""
    if not summary["measured"]:
        return
    rows = pd.DataFrame([_measure(one, summary["answers"]) for one in summary["measured"]])
    with st.expander("Latency, tokens and cost of an answer"):
        st.table(rows, border="horizontal", hide_index=True, alt="What was measured of the answers")


def _measure(one: Mapping[str, Any], answers: int) -> dict[str, str]:
    def told(value: float | None) -> str:
        if fmt.absent(value) or value is None:
            return fmt.UNKNOWN
        if one["name"].endswith("_ms"):
            return fmt.duration(value * 1e6)
        return fmt.mean_cost(value) if one["name"] == "cost_usd" else fmt.short(value)

    mean = one["mean"] or {}
    ends = [mean.get("low"), mean.get("high")]
    interval = "" if any(map(fmt.absent, ends)) else f"{told(ends[0])} to {told(ends[1])}"
    cells = {
        "Measure": _NAMES.get(one["name"], one["name"]), "Mean": told(mean.get("value")), "95 %": interval,
        "p50": told(_quantile(one, "p50")), "p95": told(_quantile(one, "p95")),
        "Known": f"{one['known']:,} of {answers:,} answers",
    }  # fmt: skip
    return {name: fmt.plain(text, 120) for name, text in cells.items()}


def _made_from(told: Run) -> None:
    """The manifest, and in what it differs from the baseline's."""
    manifest = told["manifest"]
    if manifest is None or "dataset" not in manifest:
        return
    with st.expander("What it was made from"):
        widgets.fields(facts(manifest), columns=4)
        if told["document"]:
            st.caption("The suite as it was run")
            st.code(told["document"], language="yaml", height=260)
        st.caption("Versions of packages")
        st.text(", ".join(f"{name} {version}" for name, version in manifest.get("packages", {}).items()))
        st.page_link(
            "views/suites.py",
            label="The suite",
            icon=":material/checklist:",
            query_params={suites.CHOSEN: told["suite"]},
        )


def facts(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The manifest in words."""
    dataset, target, git = manifest["dataset"], manifest["target"], manifest.get("git") or {}
    commit = str(git.get("commit") or fmt.UNKNOWN)[:12] + (" with changes" if git.get("changed") else "")
    evaluators = ", ".join(f"{name} {one['version']}" for name, one in manifest["evaluators"].items())
    ended = (runs.at(manifest["ended_at"]) - runs.at(manifest["started_at"])).total_seconds()
    return {
        "Dataset": f"{_dataset(dataset)}, {dataset['items']:,} items",
        "Items": f"{str(dataset['items_sha256'])[:12]}, {dataset['left_out']:,} rows left out",
        "Target": f"{target['kind']}, {'pinned' if target['pinned'] else 'not pinned'}",
        "Repeats, seed": f"{manifest['repeats']:,}, {manifest['seed']}",
        "Evaluators": fmt.clip(evaluators, 300), "Commit": commit, "Branch": str(git.get("branch") or "none"),
        "Took": fmt.duration(ended * 1e9), "Begun again": f"{manifest['resumed']:,} times",
        "Python": f"{manifest['python']}, {manifest['platform']}",
        "CI": fmt.clip(", ".join(manifest.get("ci", {}).values()) or "none", 200),
        "Results": str(manifest["results_sha256"])[:12],
    }  # fmt: skip


def _dataset(told: Mapping[str, Any]) -> str:
    """What the items are of."""
    stored = told.get("stored")
    if stored is None:
        return str(told["file"] or "stored traces")
    split = f", split {stored['split']}" if stored["split"] else ""
    return fmt.clip(f"{stored['name']} version {stored['version']}{split}", 200)


def _against(told: Run) -> None:
    """In what the run differs from its baseline, where the store has that."""
    baseline = (told["summary"] or {}).get("baseline")
    if not baseline:
        return
    began = fmt.plain(str(baseline["started_at"])[:16])
    shared = (
        f"Compared with the run of {began}: {baseline['shared']:,} items hold the same, "
        f"{baseline['changed']:,} changed, {baseline['only_here']:,} only here, {baseline['only_there']:,} only there."
    )
    try:
        theirs = data_runs.run(baseline["run_id"])["manifest"]
    except data.ApiError:
        st.caption(f"{shared} That run is not stored, so what else differs is unknown.")
        return
    differs = ", ".join(differences(told["manifest"], theirs)) or "nothing that the manifest tells"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"{shared} Differs from the baseline in: {fmt.plain(differs, 400)}.", width="content")
        link = {runs.CHOSEN: baseline["run_id"]}
        st.page_link("views/runs.py", label="The baseline", icon=":material/experiment:", query_params=link)


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any] | None) -> list[str]:
    """Names of what two manifests do not have alike, of that which may change results."""
    if theirs is None or "dataset" not in theirs:
        return ["what is not known: the baseline has no manifest"]
    said = [
        words
        for words, path in (
            ("suite", ("suite_sha256",)), ("items", ("dataset", "items_sha256")), ("target", ("target", "ruler")),
            ("judges", ("judges",)), ("repeats", ("repeats",)), ("seed", ("seed",)), ("Python", ("python",)),
            ("commit", ("git", "commit")),
        )
        if _at(ours, path) != _at(theirs, path)
    ]  # fmt: skip
    for kind in ("evaluators", "packages"):
        mine, others = ours.get(kind) or {}, theirs.get(kind) or {}
        said += [
            f"{'evaluator ' if kind == 'evaluators' else ''}{name}"
            for name in sorted({*mine, *others})
            if mine.get(name) != others.get(name)
        ]
    return said


def _at(manifest: Mapping[str, Any], path: Sequence[str]) -> Any:
    found: Any = manifest
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
