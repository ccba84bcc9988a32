"""The command `assay`."""

from __future__ import annotations

import sys
import traceback

import typer

from server.commands import (
    ab,
    agreement,
    alerts,
    channels,
    compare,
    dashboards,
    datasets,
    drift,
    evals,
    fairness,
    feedback,
    grid,
    imports,
    jobs,
    judges,
    monitors,
    prompts,
    queue_fill,
    queues,
    rank,
    rules,
    running,
    scoring,
    spending,
    stored,
    stored_evals,
    training,
    whatif,
)
from server.commands.common import app
from server.exit_codes import BUG

__all__ = [
    "ab",
    "agreement",
    "alerts",
    "app",
    "channels",
    "compare",
    "dashboards",
    "datasets",
    "drift",
    "evals",
    "fairness",
    "feedback",
    "grid",
    "imports",
    "jobs",
    "judges",
    "main",
    "monitors",
    "prompts",
    "queue_fill",
    "queues",
    "rank",
    "rules",
    "running",
    "scoring",
    "spending",
    "stored",
    "stored_evals",
    "training",
    "whatif",
]


def main() -> None:
    """Run a command; an expected error is one sentence on standard error."""
    try:
        app()
    except Exception as error:  # noqa: BLE001 - a bug is told with its trace, by an exit code of its own
        from server.shell import expected  # noqa: PLC0415

        told = expected(error)
        if told is None:
            traceback.print_exc()
            sys.exit(BUG)
        sentence, code = told
        typer.echo(f"assay: {sentence}", err=True)
        sys.exit(code)


if __name__ == "__main__":
    main()
