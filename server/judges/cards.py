"""The calibration card of a ruler against people, and a line for each ruler that met labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pandas as pd

from analytics import calibration, judging
from server.aside import Ask
from server.calibration import cards
from server.calibration.asking import Asked, Pairs
from server.judges import expiry, trust
from server.judges.asking import MOST_SLICES, SLICES, Fields, NoCardError, Question
from server.judges.pairing import Joined, columns, joined, labels_for, met
from server.judges.people import Said, said, scale_of
from server.judging import Files

Row = dict[str, Any]
MOST_SHOWN = 50
_TRIED = 5  # versions that are looked at for one that met labels, where none is named
_KEY = ["name", "evaluator", "version"]


def heads(ask: Ask, fields: Fields, files: Files) -> Row:
    """A line for each ruler of the project, those with labels first, and the trust of each score.

    `heads`: score, evaluator, version, ..., `trust`: by score what its badge says. `unmet`: names of labels that no
    score is held against.
    """
    rulers = ask("judge_rulers").to_pylist()
    people = said(ask("judge_labels"))
    rows = ask("judge_met").to_pandas() if people else None
    groups = {} if rows is None else {key: one.reset_index(drop=True) for key, one in rows.groupby(_KEY, sort=False)}
    now = expiry.now(rulers, files)
    told = [_head(one, groups.get(_key(one)), people, fields) for one in rulers]
    told = [one | {"expired": expiry.of(one, rulers, now)} for one in told]
    told = [one | trust.badge(one) for one in told]
    used = {one["label"] for one in told if one["label"]}
    return {
        "heads": sorted(told, key=lambda one: (-one["n"], one["score"], one["evaluator"], one["last_at"])),
        "trust": trust.by_score(told), "unmet": sorted(set(people) - used),
    }  # fmt: skip


def _key(ruler: Row) -> tuple[str, str, str]:
    return ruler["name"], ruler["evaluator"], ruler["version"]


def _head(ruler: Row, rows: pd.DataFrame | None, people: Mapping[str, Said], fields: Fields) -> Row:
    told = _told(ruler) | {"label": None, "n": 0, "kappa": None, "agreement": None, "trust": "none"}
    if rows is None:
        return told
    found = _met(ruler["name"], rows, people, fields)
    if found is None:
        return told
    made = joined(rows, found, scale_of(ruler["scale"]))
    n = int(made.pairs.rows.labelled.sum())
    told |= {"label": found.name, "n": n, "trust": "unsure" if n else "none", "labelled_at": found.newest}
    sides = cards.decided(made.pairs) if n else None
    if sides is None:
        return told
    of = cards.of_card(calibration.card(sides))
    return told | {name: of[name] for name in ("kappa", "agreement", "sensitivity", "specificity", "trust")}


def _told(ruler: Row) -> Row:
    """What a ruler says of itself, whether or not anybody labelled it."""
    same = ("evaluator", "version", "source", "model", "normaliser", "scores", "failed")
    times = {name: ruler[name].isoformat() for name in ("first_at", "last_at")}
    return {"score": ruler["name"], **{name: ruler[name] for name in same}, **times}


def _met(score: str, rows: pd.DataFrame, people: Mapping[str, Said], fields: Fields) -> Said | None:
    """Of the labels that are for this score those that met most of what it scored; null: none did."""
    names = labels_for(score, list(people), fields)
    counts = {name: int((met(people[name], *columns(rows)) >= 0).sum()) for name in names}
    best = max(counts, key=lambda name: counts[name], default=None)
    return people[best] if best is not None and counts[best] else None


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A ruler with its rows and what people say of them."""

    ruler: Row
    rows: pd.DataFrame  # of `judge_rows`, in the order of `made.pairs` where `kept` is true
    people: Said
    made: Joined
    labels: Sequence[str]  # names that there are
    rulers: Sequence[Row]


def found(ask: Ask, question: Question, fields: Fields, *, details: bool = True) -> Found:
    """The ruler of a question, joined with labels.

    Raises:
        NoCardError: no score has this name, evaluator and version; or nobody labelled what it scored.
    """
    rulers = ask("judge_rulers").to_pylist()
    people = said(ask("judge_labels"))
    for ruler in _mine(rulers, question)[:_TRIED]:
        rows = _rows(ask, ruler, details=details)
        chosen = _chosen(question, rows, people, fields)
        if chosen is not None:
            break
    else:
        raise NoCardError(
            f"Nobody labelled what {question.score} scored: give labels of this name, or name the score in the field "
            "of a queue (judges)."
        )
    made = joined(rows, chosen, scale_of(ruler["scale"]), question.wanted, question.by)
    return Found(ruler, rows, chosen, made, sorted(people), rulers)


def rows_of(ask: Ask, question: Question) -> pd.DataFrame:
    """What a ruler scored, whether or not anybody labelled it. Raises NoCardError: there is no such ruler."""
    return _rows(ask, _mine(ask("judge_rulers").to_pylist(), question)[0], details=False)


def _rows(ask: Ask, ruler: Row, *, details: bool) -> pd.DataFrame:
    own = {name: ruler[name] for name in ("evaluator", "version")}
    rows: pd.DataFrame = ask("judge_rows", score=ruler["name"], **own, details=details).to_pandas()
    rows["output_tokens"] = rows["output_tokens"].astype("float64")
    return rows


def _mine(rulers: Sequence[Row], question: Question) -> list[Row]:
    """The rulers that are meant, the one that scored last first."""
    mine = [
        one
        for one in rulers
        if one["name"] == question.score
        and question.evaluator in {None, one["evaluator"]}
        and question.version in {None, one["version"]}
    ]
    if mine:
        return mine[::-1]
    if not any(one["name"] == question.score for one in rulers):
        names = ", ".join(sorted({str(one["name"]) for one in rulers})[:20]) or "none"
        raise NoCardError(f"No judge or evaluator gave a score named {question.score!r}. Scores: {names}.")
    known = ", ".join(f"{one['evaluator']} {one['version']}" for one in rulers if one["name"] == question.score)
    raise NoCardError(
        f"{question.score} has no scores by {question.evaluator or 'any'} {question.version or ''}. It has: {known}."
    )


def _chosen(question: Question, rows: pd.DataFrame, people: Mapping[str, Said], fields: Fields) -> Said | None:
    """The labels that are meant; null: none met what was scored."""
    if question.label is not None:
        if question.label not in people:
            known = ", ".join(sorted(people)[:20]) or "none"
            raise NoCardError(f"Nobody gave a label named {question.label!r}. Labels: {known}.")
        return people[question.label]
    return _met(question.score, rows, people, fields)


def card(ask: Ask, question: Question, fields: Fields, files: Files) -> Row:
    """The card; see `GET /api/judges/{score}`. Raises NoCardError."""
    one = found(ask, question, fields)
    asked = Asked(by=question.by, width=question.width)
    pairs = one.made.pairs
    head = _head_of(one)
    head |= {"expired": expiry.of(head, one.rulers, expiry.now(one.rulers, files))}
    told = cards.card(pairs, asked)
    head |= {"n": told["n"], "trust": told.get("trust", "none") if told["n"] else "none", "kappa": told.get("kappa")}
    return {
        **head, **trust.badge(head), "card": told, "by": question.by, "by_options": _by_options(one.rows),
        "slices": [cards.card(part, asked, name) for name, part in _sliced(pairs)],
        "lines": {
            "judge_from": one.made.lines.judge_from, "people_from": one.made.lines.people_from,
            "positive": one.made.lines.positive, "turned": one.made.lines.turned,
        },
        "order": _order(one), "left_out": dict(one.made.left_out), "notes": list(one.made.notes),
        "labels": list(one.labels), "versions": _versions(one), "scored": _scored(one.rows),
        "disagreements": disagreements(one, MOST_SHOWN), "people": int(one.people.people.sum()),
        "scale": scale_of(one.ruler["scale"]),
    }  # fmt: skip


def _head_of(one: Found) -> Row:
    normaliser = one.rows["normaliser"][one.made.kept][_labelled(one)].dropna()
    return _told(one.ruler) | {
        "label": one.people.name, "normaliser": int(normaliser.min()) if len(normaliser) else None,
        "labelled_at": one.people.newest,
    }  # fmt: skip


def _labelled(one: Found) -> Any:
    """Whether each row has a label that counts."""
    return (one.made.places >= 0) & one.made.pairs.rows.labelled


def _scored(rows: pd.DataFrame) -> int:
    return int(rows["scored"].iloc[0]) if len(rows) else 0


def _by_options(rows: pd.DataFrame) -> list[str]:
    """Columns with two values or more."""
    return [name for name in SLICES if len(rows[name].dropna().unique()) > 1]


def _sliced(pairs: Pairs) -> list[tuple[str, Pairs]]:
    """The slices with most labels."""
    parts = list(cards.parts(pairs, "by"))
    return sorted(parts, key=lambda one: (-int(one[1].rows.labelled.sum()), one[0]))[:MOST_SLICES]


def _versions(one: Found) -> list[Row]:
    """All versions of this score and evaluator, the newest first."""
    mine = [
        ruler
        for ruler in one.rulers
        if ruler["name"] == one.ruler["name"] and ruler["evaluator"] == one.ruler["evaluator"]
    ]
    return [
        {"version": ruler["version"], "model": ruler["model"], "scores": ruler["scores"],
         "first_at": ruler["first_at"].isoformat(), "last_at": ruler["last_at"].isoformat()}
        for ruler in reversed(mine)
    ]  # fmt: skip


def _order(one: Found) -> Row | None:
    """Of a judge that compares two answers in both orders, whether it leans to the first; null: it does not."""
    told = [_places(text) for text in one.rows["details"].dropna()]
    straight, swapped = [pair[0] for pair in told if pair], [pair[1] for pair in told if pair]
    if not straight:
        return None
    lean = judging.position_bias(straight, swapped)
    return {
        "consistent": cards.ends(lean.consistent), "first": cards.ends(lean.first),
        "first_of_inconsistent": cards.ends(lean.first_of_inconsistent), "p_value": lean.p_value,
    }  # fmt: skip


def _places(text: str) -> tuple[str | None, str | None] | None:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, dict) or "straight" not in found or "swapped" not in found:
        return None
    told = [one if one in {"first", "second", "tie"} else None for one in (found["straight"], found["swapped"])]
    return told[0], told[1]


def disagreements(one: Found, most: int) -> list[Row]:
    """Rows on which judge and people say another thing, the surest of the judge first."""
    pairs, line = one.made.pairs, one.made.lines.judge_from
    if pairs.judge_yes is None or pairs.human_yes is None or line is None:
        return []
    apart = np.flatnonzero(pairs.rows.labelled & (pairs.judge_yes != pairs.human_yes))
    order = apart[np.argsort(-np.abs(pairs.rows.judge[apart] - line), kind="stable")][:most]
    kept = one.rows[one.made.kept].reset_index(drop=True)
    return [
        {"trace_id": hex_of(kept["trace_id"][at]), "span_id": span_of(kept["span_id"][at]),
         "session_id": text_of(kept["session_id"][at]), "judge": float(pairs.rows.judge[at]),
         "judge_yes": bool(pairs.judge_yes[at]), "people_yes": bool(pairs.human_yes[at])}
        for at in order.tolist()
    ]  # fmt: skip


def hex_of(value: object) -> str | None:
    """The id of a trace as 32 hex digits; null: there is none."""
    return None if not isinstance(value, str) else value.replace("-", "")


def span_of(value: Any) -> str | None:
    """The id of a span as 16 hex digits; null: there is none."""
    return None if value is None or pd.isna(value) else f"{int(value):016x}"


def text_of(value: object) -> str | None:
    """The text; null: there is none."""
    return value if isinstance(value, str) else None
