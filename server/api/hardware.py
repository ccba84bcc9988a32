"""Self-hosted hardware compared: the query `hardware_by`, with what the price entries say of themselves."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from fastapi import Request, Response

from collectors.pricing.own import OwnPrice
from server.api.answers import answer_of
from server.api.asking import parameters, params_of, project_of, responses
from server.api.context import Here
from server.api.rights import needs, router
from server.hardware import hourly
from store import queries
from store.readers import Answer

VERSIONS = "versions"
FACTS = pa.schema(
    [("entry", pa.string()), ("hardware", pa.string()), ("quantisation", pa.string()), ("note", pa.string())]
    + [(name, pa.float64()) for name in ("usd_per_hour", "gpus", "assumed_at_once", "assumed_utilisation")]
)

routes = router()


@routes.get(
    "/api/hardware",
    tags=["prices"],
    dependencies=[needs("read")],
    openapi_extra={
        "parameters": [one for one in parameters(queries.get("hardware_by")) if one["name"] != VERSIONS],
        "responses": responses(),
    },
)
def hardware(request: Request, here: Here) -> Response:
    """Calls that own prices by the hour price: a row per model and price entry, most calls first. None: no row.

    Columns of the query `hardware_by`, and of the entry its `entry` (the model as the price names it), `hardware`,
    `quantisation` and `note` (null: not told), `usd_per_hour` (of one GPU), `gpus`, and what the price assumes:
    `assumed_at_once` calls while busy, `assumed_utilisation`.
    """
    versions = here.core.run("price_versions", project_of(request), {}).table
    entries = hourly(versions["document"].to_pylist())
    asked: dict[str, object] = params_of(request) | {VERSIONS: list(entries)}
    found = here.core.run("hardware_by", project_of(request), asked)
    facts = pa.Table.from_pylist([_facts(entries[one]) for one in found.table["price_version"].to_pylist()], FACTS)
    table = found.table
    for name in FACTS.names:
        table = table.append_column(name, facts[name])
    return answer_of(request, Answer(table, found.watermark, found.truncated))


def _facts(entry: OwnPrice) -> dict[str, Any]:
    gpu = entry.gpu
    if gpu is None:
        raise AssertionError(entry)
    return {
        "entry": entry.model, "hardware": gpu.hardware, "quantisation": gpu.quantisation, "note": entry.note,
        "usd_per_hour": float(gpu.usd_per_hour), "gpus": float(gpu.count), "assumed_at_once": float(gpu.concurrency),
        "assumed_utilisation": float(gpu.utilisation),
    }  # fmt: skip
