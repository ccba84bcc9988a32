"""The command `assay`."""

from __future__ import annotations

import sys

import typer

from server.commands import fairness, jobs, rules, running, scoring, spending, stored, whatif
from server.commands.common import app

__all__ = ["app", "fairness", "jobs", "main", "rules", "running", "scoring", "spending", "stored", "whatif"]


def main() -> None:
    """Run a command; an expected error is one sentence on standard error."""
    try:
        app()
    except Exception as error:
        from server.shell import expected  # noqa: PLC0415

        told = expected(error)
        if told is None:
            raise
        sentence, code = told
        typer.echo(f"assay: {sentence}", err=True)
        sys.exit(code)


if __name__ == "__main__":
    main()
