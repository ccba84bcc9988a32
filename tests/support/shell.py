"""Runs the command `assay` within the test's process: what it does with its words, streams and files is the same."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path
from unittest.mock import patch

from server.cli import main


def run(
    folder: Path, arguments: tuple[str, ...], environment: Mapping[str, str], stdin: str | None
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end. A new process spends half a second of a core on imports, and two over a file.

    An error that `main` does not tell is a traceback on standard error and exit code 1, as Python has it.
    """
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with tempfile.TemporaryFile("w+", encoding="utf-8") as typed, chdir(folder):
        typed.write(stdin or "")
        typed.seek(0)
        with (
            patch.dict("os.environ", environment, clear=True),
            patch.multiple(sys, argv=["assay", *arguments], stdin=typed, stdout=out, stderr=err),
        ):
            code = _code()
    return subprocess.CompletedProcess(["assay", *arguments], code, _read(out), _read(err))


def _code() -> int:
    try:
        main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except Exception:  # noqa: BLE001 - whatever it is, the test is to see it
        traceback.print_exc()
        return 1
    return 0


def _read(stream: io.TextIOWrapper) -> str:
    """What was written, as `subprocess` reads it: every end of a line is a newline."""
    stream.flush()
    return io.TextIOWrapper(io.BytesIO(stream.buffer.getvalue()), "utf-8").read()  # type: ignore[attr-defined]
