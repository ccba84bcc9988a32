"""Runs a user's function in the user's own Python: rows in, verdicts or answers out, a JSON line each.

Standard library only.

It must run on Pythons that are older than ours: annotations are never evaluated, and no newer syntax is used.

Called as `python external_shim.py MODULE:FUNCTION WHAT`. The function gets a row as a dictionary. Where a verdict is
wanted, it returns one: {value, label, reason, spans, status}; or a number or a truth, which is its value; or None: it
does not apply. Where an answer is wanted, it returns a text, or {answer, contexts, ...}.
What it prints goes to standard error.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import os
import sys
from pathlib import Path
from typing import Any


def main(name: str, what: str) -> None:
    """Answer every row of standard input by the function, until it ends."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever else is printed, also from C
    sys.stdout = sys.stderr
    sys.path[0] = ""  # the folder that it is started in, in place of ours, whose modules are none of theirs
    module, _, path = name.partition(":")
    function = importlib.import_module(module)
    for part in path.split("."):
        function = getattr(function, part)
    read = {"verdict": _verdict, "answer": _answer}[what]
    _tell(out, {"ready": True})
    for line in sys.stdin:
        row = json.loads(line)
        told = row.pop("_n", None)
        _tell(out, {**_said(function, row, read), "_n": told})


def _said(function: Any, row: Any, read: Any) -> Any:
    try:
        said = function(row)
        if inspect.isawaitable(said):
            said = asyncio.run(_awaited(said))
        if isinstance(said, dict):
            json.dumps(said, allow_nan=False)
            return said
        return read(said)
    except Exception as error:  # noqa: BLE001 - the user's
        where = _where(error)
        return {"status": "error", "error_type": type(error).__name__, "reason": where, "error": where}


def _verdict(said: Any) -> Any:
    if said is None:
        return {"status": "not_applicable", "reason": "The function returned None."}
    return {"value": float(said), "reason": "The function gave no reason."}


def _answer(said: Any) -> Any:
    if said is None:
        return {"error": "The function returned None.", "error_type": "empty"}
    if isinstance(said, str):
        return {"answer": said}
    what = type(said).__name__
    return {
        "error": f"The function returned a {what}, and neither a text nor a dictionary.",
        "error_type": "bad_answer",
    }


async def _awaited(said: Any) -> Any:
    return await said


def _where(error: Exception) -> str:
    """The error, and the line of the user's code that raised it."""
    at, trace = "", error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename != __file__:
            at = f" ({Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return f"{type(error).__name__}: {error}{at}"[:1000]


def _tell(out: Any, row: Any) -> None:
    out.write(json.dumps(row, default=str) + "\n")
    out.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
