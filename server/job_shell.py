"""What `assay jobs` says and sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from evaluators.errors import OptionError
from server.client_base import text
from server.price_shell import EARLIEST, LATEST
from server.score_shell import asked

Row = dict[str, Any]


def order(
    names: Sequence[str],
    options: Sequence[str],
    where: Sequence[str],
    since: datetime | None,
    until: datetime | None,
    **more: Any,
) -> Row:
    """The body of `POST /api/jobs`.

    Raises:
        OptionError: a filter is not FILTER=VALUE, or as `asked` says.
    """
    wanted = [{"name": name, "options": held} for name, held in asked(names, options).items()]
    window = {"since": text(since or EARLIEST), "until": text(until or LATEST)}
    return {"evaluators": wanted, "filter": window | dict(map(_filter, where)), **more}


def _filter(told: str) -> tuple[str, str]:
    name, equals, value = told.partition("=")
    if not (equals and name and value):
        raise OptionError(f"A filter is written FILTER=VALUE, such as service=shop; not {told!r}.")
    return name, value


def sentence(job: Mapping[str, Any]) -> str:
    """How far a job is, or what a dry run found."""
    if "job_id" not in job:
        return f"{job['targets']:,} would be scored; {job['matching']:,} traces match."
    verdicts = f"{job['ok']:,} scored, {job['not_applicable']:,} not applicable, {job['failed']:,} failed"
    cost = "" if job["spent_usd"] is None else f", ${job['spent_usd']:.4f}"
    why = "".join(f" {fault}" for fault in (job["fault"], job["part_fault"]) if fault)
    done = f"{job['targets_done']:,} of {job['targets']:,} targets"
    return f"Job {job['job_id']} is {job['state']}: {done}; verdicts: {verdicts}{cost}.{why}"


def row(job: Mapping[str, Any]) -> Row:
    """A job as a row of a table."""
    return {
        "job_id": job["job_id"], "given": job["created_at"], "state": job["state"],
        "evaluators": ", ".join(one["name"] for one in job["order"]["evaluators"]),
        "targets": job["targets"], "done": job["targets_done"], "ok": job["ok"],
        "not_applicable": job["not_applicable"], "failed": job["failed"], "usd": job["spent_usd"],
    }  # fmt: skip
