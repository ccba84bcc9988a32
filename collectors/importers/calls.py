"""Plain model calls: JSON lines, JSON, CSV or Parquet of one call a row, with columns of any names.

Which column is which field is told (`--map prompt=input`), else guessed by its name, and shown before anything is
stored. Ids are made of the hash of the file and the number of the row, so that the same file is never stored twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from collectors.importers.making import (
    Attributes,
    MadeScore,
    MadeSpan,
    Making,
    RecordError,
    dumped,
    empty,
    held,
    made_of,
    nanoseconds,
    span_id,
    text_of,
    trace_id,
)
from collectors.importers.opening import Opened
from collectors.importers.pieces import ImportFileError, Piece
from collectors.importers.records import Row

MEMBERS = ("data", "calls", "rows", "items", "records")
SCOPE = {"name": "calls.import"}
SCORE = "score."
IGNORED = "-"

# Field: the names that columns of it have, besides its own; compared without case, spaces, dots, dashes, underscores.
FIELDS: dict[str, tuple[str, ...]] = {
    "input": ("prompt", "question", "messages", "query", "request", "usermessage", "inputtext", "instruction"),
    "output": ("response", "completion", "answer", "reply", "generation", "outputtext", "assistantmessage", "result"),
    "system": ("systemprompt", "systemmessage", "systeminstructions"),
    "model": ("modelname", "modelid", "engine", "llm", "deployment"),
    "provider": ("vendor", "system", "modelprovider"),
    "time": (
        "timestamp", "starttime", "startedat", "createdat", "created", "date", "datetime", "requesttime", "start", "ts",
    ),
    "end_time": ("endtime", "endedat", "finishedat", "completedat", "end"),
    "duration_ms": ("latencyms", "durationms", "elapsedms", "responsetimems"),
    "duration_s": ("latency", "duration", "latencys", "durations", "elapsed", "latencyseconds", "durationseconds"),
    "input_tokens": ("prompttokens", "inputtokencount", "tokensin", "prompttokencount", "nprompttokens", "tokensinput"),
    "output_tokens": ("completiontokens", "outputtokencount", "tokensout", "completiontokencount", "tokensoutput"),
    "total_tokens": ("tokens", "totaltokencount"),
    "cost": ("costusd", "totalcost", "price", "priceusd", "totalcostusd"),
    "session": ("sessionid", "conversationid", "threadid", "chatid", "conversation"),
    "user": ("userid", "enduser", "customerid"),
    "trace": ("traceid", "requestid", "runid"),
    "name": ("operation", "task", "callname"),
    "error": ("errormessage", "exception", "failure"),
    "finish_reason": ("stopreason",),
    "service": ("application", "app", "servicename"),
    "environment": ("env", "deploymentenvironment"),
    "release": ("version", "appversion"),
    "tags": ("labels", "tag"),
    "prompt_name": ("promptname", "promptid", "template"),
    "prompt_version": ("promptversion", "templateversion"),
}  # fmt: skip
_BY_NAME = {name: field for field, names in FIELDS.items() for name in (field.replace("_", ""), *names)}
_KEYS = {
    "model": "gen_ai.request.model", "provider": "gen_ai.provider.name", "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens", "total_tokens": "gen_ai.usage.total_tokens",
    "cost": "gen_ai.cost.total_cost", "session": "session.id", "user": "user.id", "input": "input.value",
    "output": "output.value", "prompt_name": "gen_ai.prompt.name", "prompt_version": "gen_ai.prompt.version",
}  # fmt: skip
_OF_RESOURCE = {"service": "service.name", "environment": "deployment.environment.name", "release": "service.version"}
_SAID = frozenset({"input", "output", "input_tokens", "output_tokens", "total_tokens"})
_WHOLE = frozenset({"input_tokens", "output_tokens", "total_tokens"})
_NUMBERS = frozenset({"cost", "duration_ms", "duration_s"})
# A comma between three digits and a point divides thousands; elsewhere nobody knows whether it is the point itself.
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(,\d{3})+(\.\d+)?")

Columns = tuple[tuple[str, str], ...]
"""Column, field."""


def guessed(columns: Iterable[str], told: Columns = ()) -> Columns:
    """Column to field: as told; of the other columns the first with a known name for each field that is free.

    Raises:
        ImportFileError: a field is none, or is told for two columns; a column is none.
    """
    names = list(columns)
    _check(names, told)
    found = {column: field for column, field in told if field != IGNORED}
    left_out = {column for column, field in told if field == IGNORED}
    for column in names:
        bare = "".join(char for char in column.casefold() if char.isalnum())
        field = _BY_NAME.get(bare)
        if bare.startswith("score") and len(bare) > 5 and column.casefold().startswith(("score.", "score_")):
            field = f"{SCORE}{column[6:]}"
        if field and column not in found and column not in left_out and field not in found.values():
            found[column] = field
    return tuple(found.items())


def _check(columns: list[str], told: Columns) -> None:
    fields = [field for _, field in told if field != IGNORED]
    for column, field in told:
        if columns and column not in columns:
            close = get_close_matches(column, columns, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ImportFileError(f"The file has no column {column!r}.{hint} It has: {', '.join(columns[:30])}.")
        if field not in FIELDS and field != IGNORED and not (field.startswith(SCORE) and len(field) > len(SCORE)):
            close = get_close_matches(field, FIELDS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            known = f"{', '.join(FIELDS)}, score.NAME, and - for none"
            raise ImportFileError(f"No field is named {field!r}.{hint} Fields: {known}.")
        if fields.count(field) > 1:
            raise ImportFileError(f"Field {field!r} is told for two columns. Tell one.")


def check_whole(mapping: Columns) -> None:
    """Raises ImportFileError when no column has the time of a call, or none has anything that it said."""
    fields = {field for _, field in mapping}
    if "time" not in fields:
        raise ImportFileError("No column is known for the time of a call. Tell it with --map COLUMN=time.")
    if not fields & _SAID:
        raise ImportFileError("No column is known for input, output or tokens. Tell one, as in --map COLUMN=input.")


def looks_like(row: Row) -> bool:
    """Whether a column of a row has what a call was asked or said; the others may have any names."""
    return bool({field for _, field in guessed(row)} & _SAID)


def pieces(file: Opened, mapping: Columns, fingerprint: str) -> Iterator[Piece]:
    """The calls of a file by a mapping that fits it; the scores of its score columns."""
    fields = dict(mapping)

    def add(making: Making, number: int, row: Row) -> None:
        _add(making, number, row, fields, fingerprint)

    return made_of(file, MEMBERS, "row", add)


def _add(making: Making, number: int, row: Row, fields: dict[str, str], fingerprint: str) -> None:
    told = {field: row[column] for column, field in fields.items() if not empty(row.get(column))}
    try:
        span = _span(told, row, fields, f"{fingerprint} {number}")
        scores = [_score(field, value, span) for field, value in told.items() if field.startswith(SCORE)]
    except RecordError as error:
        making.refuse(error.reason, number, error.text)
        return
    resource = {key: str(told[field]) for field, key in _OF_RESOURCE.items() if field in told}
    made: list[MadeSpan | MadeScore] = [span, *scores]
    for one in made:
        making.add(number, one, resource, SCOPE)


def _span(told: Row, row: Row, fields: dict[str, str], identity: str) -> MadeSpan:
    start = nanoseconds(told.get("time"))
    if start is None:
        raise RecordError("no_time", f"time {told.get('time')!r}")
    if not told.keys() & {*_SAID, "error"}:
        raise RecordError("no_content", dumped(row)[:150])
    trace = told.get("trace") or identity
    error = told.get("error")
    named = str(told.get("name") or " ".join(filter(None, ("chat", str(told.get("model") or "")))))
    return MadeSpan(
        trace_id(trace), span_id(f"{identity} span"), None, named, start, _end(told, start),
        _attributes(told, row, fields), 2 if error else 0, str(error) if error else None,
    )  # fmt: skip


def _end(told: Row, start: int) -> int | None:
    if "end_time" in told:
        end = nanoseconds(told["end_time"])
        if end is None:
            raise RecordError("bad_value", f"end_time {told['end_time']!r} is no time")
        return end
    for field, unit in (("duration_ms", 1e6), ("duration_s", 1e9)):
        if field in told:
            return start + round(_number(field, told[field]) * unit)
    return None


def _attributes(told: Row, row: Row, fields: Mapping[str, str]) -> Attributes:
    found: Attributes = {"gen_ai.operation.name": "chat", "openinference.span.kind": "LLM"}
    for field, key in _KEYS.items():
        if field in told:
            value = _number(field, told[field]) if field in _WHOLE | _NUMBERS else text_of(told[field])
            found[key] = int(value) if field in _WHOLE and isinstance(value, float) else value
    if "system" in told:
        found["gen_ai.system_instructions"] = dumped([{"type": "text", "content": text_of(told["system"])}])
    if "finish_reason" in told:
        found["gen_ai.response.finish_reasons"] = [str(told["finish_reason"])]
    if "tags" in told:
        tags = held(told["tags"])
        found["tag.tags"] = [str(one) for one in (tags if isinstance(tags, list) else str(tags).split(","))]
    rest = {name: value for name, value in row.items() if name not in fields and not empty(value)}
    if rest:
        found["metadata"] = dumped(rest)
    return found


def _number(field: str, value: Any) -> float:
    text = str(value).strip().removeprefix("$")
    if _THOUSANDS.fullmatch(text) and ("." in text or field in _WHOLE):
        text = text.replace(",", "")
    try:
        found = float(text) if not isinstance(value, bool) else float("nan")
    except ValueError:
        found = float("nan")
    if not 0 <= found < 1e15 or (field in _WHOLE and found != int(found)):
        raise RecordError("bad_value", f"{field} {value!r} is no {'whole number' if field in _WHOLE else 'number'}")
    return found


def _score(field: str, value: Any, span: MadeSpan) -> MadeScore:
    name = field.removeprefix(SCORE)
    told = str(value).strip()
    truth = {"true": 1.0, "false": 0.0}.get(told.casefold())
    try:
        number = float(told) if truth is None else truth
    except ValueError:
        return MadeScore(span.trace_id, span.span_id, span.end_ns or span.start_ns, name, None, told)
    return MadeScore(span.trace_id, span.span_id, span.end_ns or span.start_ns, name, number)
