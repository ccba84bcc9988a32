"""What labels teach, written back: a threshold and examples become a new version of an evaluator, as YAML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import orjson

from evaluators import registry
from evaluators.errors import EvaluatorError
from evaluators.judges.rubric import Rubric, Shot
from evaluators.protocol import Maker
from server import jobs
from server.aside import Ask, Desk
from server.core import Core
from server.evals.figures import counted, number
from server.evals.grid import dumped
from server.judges.asking import CALIBRATED, Fields, NoCardError, Question
from server.judges.keeping import fields_of
from server.judging import Bench, Files, bench

Row = dict[str, Any]
MOST_EXAMPLES = 12
_LONGEST = 2_000  # letters of a part of an example
_NAME = re.compile(r"[^a-z0-9_]+")


class WriteError(Exception):
    """There is nothing to write back, or no place for it; the sentence says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be written."""

    question: Question
    threshold: bool  # whether the threshold that fits people best is taken
    examples: int  # at most
    name: str | None  # of the evaluator; null: its own, or with `_calibrated` where it is installed
    version: str | None  # null: the next one
    dry_run: bool


def write(core: Core, desk: Desk, project: str, wish: Wish) -> Row:
    """The YAML of the new version and what it changes; written to the evaluators' file unless it is a dry run.

    Raises:
        NoCardError: there is no such judge, or nobody labelled what it scored.
        WriteError: labels tell no threshold, or there is no place for the version.
    """
    told: Row = orjson.loads(
        desk.answer(core.projects.id_of(project), taught, wish.question, fields_of(core, project), wish.examples * 4)
    )
    known = bench(replace(Files.of(core.settings), cache=None))
    maker = _maker(known, str(told["evaluator"]))
    entry, changes = _entry(maker, told, wish)
    if wish.examples:
        entry["examples"], said = _shown(core, project, maker, told, wish.examples)
        changes.append(said)
    if not changes:
        raise WriteError("Neither a threshold nor examples are asked for: nothing would be written.")
    entry["version"] = wish.version or _next(maker.card.version, own=told["evaluator"] in known.own)
    file = core.settings.evaluators_file
    text = dumped([entry])
    answer: Row = {
        "name": entry["name"], "version": entry["version"], "yaml": text, "changes": changes, "written": False,
        "file": None if file is None else str(file), "replaces": entry["name"] in known.own,
    }  # fmt: skip
    if wish.dry_run:
        return answer | {"sentence": _sentence(answer)}
    if file is None:
        raise WriteError(
            "No file of own evaluators is set: put the YAML into one, and name it (ASSAY_EVALUATORS_FILE)."
        )
    _put(file, entry, replaces=answer["replaces"])
    answer["written"] = True
    return answer | {"sentence": _sentence(answer)}


def taught(ask: Ask, question: Question, fields: Fields, most: int) -> Row:
    """What labels say of a ruler: the best threshold, and items for examples. Works beside the server."""
    from analytics import calibration  # noqa: PLC0415 - a process beside works with it
    from server.judges import cards  # noqa: PLC0415
    from server.judges.people import scale_of  # noqa: PLC0415

    one = cards.found(ask, question, fields, details=False)
    pairs = one.made.pairs
    if pairs.human_yes is None:
        raise NoCardError("People say neither yes nor no here: give labels a scale, or name the label that is a yes.")
    there = pairs.rows.labelled
    clusters = pairs.rows.clusters[there] if pairs.grouped else None
    best = calibration.threshold(pairs.rows.judge[there], pairs.human_yes[there] == 1, clusters)
    kept = one.rows[one.made.kept].reset_index(drop=True)
    return {
        "score": one.ruler["name"], "evaluator": one.ruler["evaluator"] or one.ruler["name"],
        "version": one.ruler["version"], "label": one.people.name, "n": int(there.sum()),
        "line": one.made.lines.judge_from, "scale": dict(scale_of(one.ruler["scale"])),
        "threshold": None if isinstance(best, str) else {"value": best.value, "low": best.low, "high": best.high},
        "why": best if isinstance(best, str) else None,
        "items": [
            {"trace_id": cards.hex_of(kept["trace_id"][at]), "span_id": cards.span_of(kept["span_id"][at]),
             "people_yes": bool(pairs.human_yes[at]), "judge": float(pairs.rows.judge[at]),
             "word": one.people.word[one.made.places[at]], "value": _value(one.people.value[one.made.places[at]])}
            for at in _balanced(pairs, there, most)
        ],
    }  # fmt: skip


def _value(number_: float) -> float | None:
    return None if np.isnan(number_) else float(number_)


def _balanced(pairs: Any, there: Any, most: int) -> list[int]:
    """Labelled rows, as many that people say yes to as no; within each those first on which the judge errs most."""
    apart = np.zeros(there.size) if pairs.judge_yes is None else np.abs(pairs.judge_yes - pairs.human_yes)
    chosen: list[int] = []
    sides = []
    for yes in (1, 0):
        own = np.flatnonzero(there & (pairs.human_yes == yes))
        sides.append(own[np.argsort(-apart[own], kind="stable")].tolist())
    for at in range(max(map(len, sides), default=0)):
        chosen += [side[at] for side in sides if at < len(side)]
    return chosen[:most]


def _maker(known: Bench, name: str) -> Maker:
    try:
        return known.maker(name)
    except EvaluatorError as error:
        raise WriteError(f"{error} Only evaluators that are installed here can be written anew.") from error


def _entry(maker: Maker, told: Row, wish: Wish) -> tuple[Row, list[str]]:
    """The evaluator as the file has it, and what is different in it."""
    rubric = getattr(maker, "rubric", None)
    name = wish.name or _name(str(told["evaluator"]), own=isinstance(rubric, Rubric) and rubric.family == "custom")
    changes: list[str] = []
    if isinstance(rubric, Rubric):
        entry = _of_rubric(rubric, name, getattr(maker, "judge_name", None))
        if wish.threshold and not rubric.labels:
            entry["threshold"], said = _threshold(told)
            changes.append(said)
        elif wish.threshold and not wish.examples:
            raise WriteError(
                f"{told['evaluator']} answers by labels ({', '.join(rubric.labels)}), so that no threshold can be set: "
                "write examples back."
            )
        return entry, changes
    if "judge" in registry.options_of(maker):
        raise WriteError(f"{told['evaluator']} asks a model in a way of its own, which no file can change.")
    if wish.examples:
        raise WriteError(f"{told['evaluator']} asks no model: examples teach it nothing. Write its threshold alone.")
    if not wish.threshold:
        return {"name": name}, changes
    value, said = _threshold(told)
    entry = {
        "name": name, "version": "1", "evaluator": told["evaluator"], "threshold": value,
        "measures": f"{maker.card.measures} Yes from {number(value)} on, as people's labels say.",
    }  # fmt: skip
    return entry, [said]


def _name(evaluator: str, *, own: bool) -> str:
    """Its own name where it stands in the file; an installed one's belongs to another."""
    base = _NAME.sub("_", evaluator.lower()).strip("_")
    return base if own or base.endswith(CALIBRATED) else f"{base}{CALIBRATED}"[:64]


def _of_rubric(rubric: Rubric, name: str, judge: str | None) -> Row:
    told: Row = {"name": name, "version": rubric.version, "measures": rubric.measures, "needs": list(rubric.needs)}
    told["scale"] = {"low": rubric.low, "high": rubric.high, "better": rubric.better}
    if rubric.labels:
        told["labels"] = dict(rubric.labels)
    if rubric.quotes:
        told["quotes"] = True
    if judge is not None:
        told["judge"] = judge
    if rubric.threshold is not None:
        told["threshold"] = rubric.threshold
    if rubric.limits:
        told["limits"] = list(rubric.limits)
    if rubric.shots:
        told["examples"] = [_shot(one) for one in rubric.shots]
    return told | {"prompt": rubric.prompt}


def _shot(one: Shot) -> Row:
    told = {"reason": one.reason, "of": one.of}
    return {"parts": dict(one.parts), "said": one.said} | {name: text for name, text in told.items() if text}


def _threshold(told: Row) -> tuple[float, str]:
    best = told["threshold"]
    if best is None:
        raise WriteError(f"Labels tell no best threshold: {told['why']}.")
    value = float(f"{best['value']:.4g}")
    before = "" if told["line"] is None else f" in place of {number(told['line'])}"
    return value, (
        f"Yes from {number(value)} on{before} ({number(best['low'])} to {number(best['high'])} over "
        f"{counted(told['n'], 'labelled item')} of {told['label']})."
    )


def _shown(core: Core, project: str, maker: Maker, told: Row, most: int) -> tuple[list[Row], str]:
    """The examples, and in words which."""
    rubric = getattr(maker, "rubric", None)
    assert isinstance(rubric, Rubric)  # noqa: S101 - `_entry` refused the others
    found: list[Row] = []
    wrong = yes = 0
    for one in told["items"]:
        said = _said(rubric, one)
        parts = _parts(core, project, rubric, one)
        if said is None or parts is None or len(found) >= most:
            continue
        found.append(_shot(Shot(parts, said, of=_target(one))))
        yes += one["people_yes"]
        wrong += one["people_yes"] != (told["line"] is not None and one["judge"] >= told["line"])
    if not found:
        raise WriteError(
            "No labelled item can be an example: people's labels are none of the judge's answers, or the traces are "
            "gone."
        )
    return found, (
        f"{counted(len(found), 'example')} from labels, {yes:,} a yes of people; the judge had {wrong:,} of them "
        "wrong. Cards of this version leave them out."
    )


def _target(one: Row) -> str:
    """The trace, or TRACE/SPAN."""
    return "/".join(part for part in (one["trace_id"], one["span_id"]) if part)


def _said(rubric: Rubric, one: Row) -> str | float | None:
    """What the judge should have answered; null: people's answer is none of its own."""
    if rubric.labels:
        if one["word"] in rubric.labels:
            return str(one["word"])
        ends = sorted(rubric.labels, key=lambda label: rubric.labels[label] or 0.0)
        return ends[-1] if one["people_yes"] else ends[0]
    value = one["value"]
    if value is not None and rubric.low <= value <= rubric.high and (rubric.low, rubric.high) != (0.0, 1.0):
        return float(value)
    return float(rubric.high if one["people_yes"] else rubric.low)


def _parts(core: Core, project: str, rubric: Rubric, one: Row) -> dict[str, str] | None:
    """The texts of an item as the prompt names them; null: its spans are gone, or lack what the judge needs."""
    from evaluators.judges.rubric import part_text  # noqa: PLC0415
    from evaluators.rows import read_case  # noqa: PLC0415

    if not one["trace_id"]:
        return None
    row = jobs.case_of(core, project, UUID(hex=one["trace_id"]), one["span_id"])
    if row is None:
        return None
    try:
        case = read_case(row)
    except EvaluatorError:
        return None
    if any(not case.has(name) for name in rubric.needs):
        return None
    return {name: part_text(case, name)[:_LONGEST] for name in rubric.places}


def _next(version: str, *, own: bool) -> str:
    """The version after this one, without the hash; of what is new in the file the first."""
    if not own:
        return "1"
    before = version.rpartition("-")[0] or version
    return str(int(before) + 1) if before.isdigit() else f"{before}.1"


def _put(file: Path, entry: Row, *, replaces: bool) -> None:
    """Into the file: in place of the entry of this name, else at the end of the list; what stands around it stays.

    Raises:
        WriteError: the file would not be one of evaluators afterwards, or cannot be written.
    """
    from evaluators.own import parse_evaluators  # noqa: PLC0415 - only where something is written
    from server.yaml_lines import parsed  # noqa: PLC0415

    before = file.read_text("utf-8") if file.exists() else "evaluators: []\n"
    after = placed(before, entry, replaces=replaces)
    try:
        parse_evaluators(parsed(after, str(file), 1_000_000, WriteError), str(file), file.absolute().parent)
        fresh = file.with_name(f".{file.name}.new")
        fresh.write_text(after, "utf-8")
        fresh.replace(file)
    except (OSError, EvaluatorError) as error:
        raise WriteError(f"{file} is not changed: {error}") from error


def placed(text: str, entry: Row, *, replaces: bool) -> str:
    """The text of a file with the entry: in place of that of its name, or at the end. What stands around it stays."""
    import yaml  # noqa: PLC0415

    node = yaml.compose(text, yaml.SafeLoader)
    items = next((value for key, value in node.value if key.value == "evaluators"), None) if node else None
    if items is None or not items.value:
        rest = re.sub(r"^evaluators:.*\n?", "", text, flags=re.MULTILINE)
        return f"{rest}evaluators:\n{_indented(dumped([entry]), 2)}"
    lines = text.splitlines(keepends=True)
    indent = items.value[0].start_mark.column - 2
    fresh = _indented(dumped([entry]), max(indent, 0))
    names = [_named(one) for one in items.value]
    if replaces and entry["name"] in names:
        one = items.value[names.index(entry["name"])]
        return "".join([*lines[: one.start_mark.line], fresh, *lines[_end(one, lines) :]])
    last = _end(items.value[-1], lines)
    head = "".join(lines[:last])
    return "".join([head if head.endswith("\n") else f"{head}\n", fresh, *lines[last:]])


def _named(node: Any) -> str | None:
    return next((value.value for key, value in node.value if key.value == "name"), None)


def _end(node: Any, lines: Sequence[str]) -> int:
    """The line after the entry. YAML lets it reach to what follows: blank lines and comments before are not its own."""
    mark, dash = node.end_mark, node.start_mark.column - 2
    within = mark.line < len(lines) and bool(lines[mark.line][: mark.column].strip())
    end = int(mark.line) + within
    while _between(lines[end - 1], dash):
        end -= 1
    return end


def _between(line: str, dash: int) -> bool:
    """Whether a line is blank, or a comment that is no deeper than entries are; what they hold stands deeper."""
    told = line.strip()
    return not told or (told.startswith("#") and len(line) - len(line.lstrip()) <= dash)


def _indented(text: str, by: int) -> str:
    return "".join(f"{' ' * by}{line}" if line.strip() else line for line in text.splitlines(keepends=True))


def _sentence(told: Row) -> str:
    what = f"Evaluator {told['name']}, version {told['version']}"
    where = told["file"] or "a file of own evaluators"
    if told["written"]:
        return f"{what}, is written to {where}: score with it, and label on."
    how = "takes the place of the one of this name in" if told["replaces"] else "would be added to"
    return f"{what}, {how} {where}. Nothing is written yet."
