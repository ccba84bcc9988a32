"""Invoices of providers: kept for a project, and held against what we computed."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from analytics.invoice import Invoice, InvoiceError, read_csv
from server import invoices
from server.api.answers import json_response
from server.api.context import DEFAULT, Author, Context, Here, Project
from server.api.problems import ProblemError
from server.api.rights import needs, router
from store import invoices as store

routes = router()
Name = Annotated[
    str,
    Path(
        pattern=r"^\w[\w .+@()-]{0,99}$",
        description="1 to 100 letters, digits, spaces and . + @ ( ) - _; the first a letter or digit.",
    ),
]
Provider = Annotated[
    str | None,
    Field(
        max_length=100,
        description="Who billed, such as openai or azure: calls of others are left out. Empty: of all. Null: as the "
        "columns tell, else of all.",
    ),
]
Document = Annotated[str, Field(max_length=invoices.MAX_DOCUMENT, description="CSV with a header.")]
Grain = Annotated[
    Literal["day", "month"] | None, Query(description="Of the rows; default the invoice's. Months stay months.")
]


@routes.get("/api/invoices", tags=["costs"], dependencies=[needs("read")])
def kept(request: Request, here: Here, project: Project = DEFAULT) -> Response:
    """The project's invoices, the last billed first.

    Each `name`, `provider` (null: all), `grain`, `since`, `until` (the day after the last), `lines`, `invoiced_usd`,
    `kept_at`, `author`.
    """
    project_id = here.core.projects.id_of(project)
    with here.core.readers.read() as cursor:
        found = store.invoices(cursor, project_id)
    return json_response(request, [asdict(one) for one in found])


@routes.get("/api/invoices/{name}", tags=["costs"], dependencies=[needs("read")])
def one(request: Request, here: Here, name: Name, project: Project = DEFAULT) -> Response:
    """One invoice, with its `document` as it was given."""
    found, document = _stored(here, project, name)
    return json_response(request, asdict(found) | {"document": document})


class NewInvoice(BaseModel):
    """What `name` is from now on."""

    model_config = ConfigDict(extra="forbid")

    document: Document
    provider: Provider = None
    author: Author = None


@routes.put("/api/invoices/{name}", tags=["costs"], dependencies=[needs("edit")])
def keep(request: Request, here: Here, name: Name, body: NewInvoice, project: Project = DEFAULT) -> Response:
    """Keep an invoice, in place of the one of this name. Answers as the list does.

    Columns: a date (or month) and an amount in US dollars, and a model unless it bills by day alone; exports of OpenAI
    and Anthropic are read as they come. 422 `bad_invoice` names line, column, value and rule of at most ten faults.
    """
    bill = _read(body.document)
    new = store.NewInvoice(
        name, body.document, invoices.biller(body.provider, bill), bill.grain, bill.since, bill.until,
        len(bill.lines), float(sum(bill.lines["amount"])), body.author,
    )  # fmt: skip
    project_id = here.core.projects.id_of(project)
    made = here.core.writer.call(lambda cursor: store.keep(cursor, project_id, new)).result()
    return json_response(request, asdict(made))


@routes.delete("/api/invoices/{name}", tags=["costs"], dependencies=[needs("edit")])
def forget(request: Request, here: Here, name: Name, project: Project = DEFAULT) -> Response:
    """Forget an invoice; its text is gone. No cost changes by it."""
    project_id = here.core.projects.id_of(project)
    if not here.core.writer.call(lambda cursor: store.remove(cursor, project_id, name)).result():
        raise _unknown(name)
    return json_response(request, {"name": name})


@routes.get("/api/invoices/{name}/reconciliation", tags=["costs"], dependencies=[needs("read")])
def reconciled(
    *, request: Request, here: Here, name: Name, grain: Grain = None, project: Project = DEFAULT
) -> Response:
    """The invoice against what we computed for its days, in UTC; see `POST /api/reconcile` for the answer."""
    found, document = _stored(here, project, name)
    return json_response(
        request, {"name": name} | invoices.reconcile(here.core, project, _read(document), found.provider, grain)
    )


class Reconciliation(BaseModel):
    model_config = ConfigDict(extra="forbid")

    document: Document
    provider: Provider = None
    grain: Literal["day", "month"] | None = Field(None, description="Of the rows; default the invoice's.")


@routes.post("/api/reconcile", tags=["costs"], dependencies=[needs("read")])
def reconcile(request: Request, here: Here, body: Reconciliation, project: Project = DEFAULT) -> Response:
    """An invoice that is not kept against what we computed for its days, in UTC.

    `invoiced_usd`, `computed_usd`, `difference_usd` (computed less invoiced), `difference_relative` (of the invoiced;
    null: nothing), `matched_usd`, `calls`, `unpriced_calls`, and `rows` by `period` and `model`, `models` and `periods`
    (both added up): each with both sums (null: not on that side), the difference, `calls`, `names` (of the invoice),
    `models` (of the calls), `mapped` (the price table knows all names) and `status`: `matched` (within 1 % or a cent),
    `differs`, `only_invoiced`, `only_computed`, `unpriced` (calls, all of unknown cost). `named` false: the invoice has
    no models, so that days alone are compared.
    """
    bill = _read(body.document)
    provider = invoices.biller(body.provider, bill)
    return json_response(request, invoices.reconcile(here.core, project, bill, provider, body.grain))


def _stored(here: Context, project: str, name: str) -> tuple[store.Kept, str]:
    project_id = here.core.projects.id_of(project)
    with here.core.readers.read() as cursor:
        found = store.document(cursor, project_id, name)
    if found is None:
        raise _unknown(name)
    return found


def _read(document: str) -> Invoice:
    try:
        return read_csv(document)
    except InvoiceError as error:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_invoice", str(error)) from error


def _unknown(name: str) -> ProblemError:
    detail = f"No invoice is named {name!r}. GET /api/invoices lists those that are kept."
    return ProblemError(HTTPStatus.NOT_FOUND, "unknown_invoice", detail)
