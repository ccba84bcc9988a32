"""What the client asks of invoices."""

from __future__ import annotations

from urllib.parse import quote

from server.client_base import ClientBase, Json


class InvoicesClient(ClientBase):
    """Invoices, and how they agree with what was computed, as a part of `server.client.Client`."""

    def invoices(self) -> list[Json]:
        """The project's invoices, the last billed first; see `GET /api/invoices` for the fields."""
        found: list[Json] = self._json("/api/invoices")
        return found

    def invoice(self, name: str) -> Json:
        """One invoice with its `document`.

        Raises:
            ApiError: `refused` with status 404 when there is none of this name.
        """
        found: Json = self._json(_invoice_path(name))
        return found

    def keep_invoice(self, name: str, document: str, provider: str | None = None, author: str | None = None) -> Json:
        """Keep an invoice (CSV text), in place of the one of this name. `provider`: empty: any; null: by its columns.

        Raises:
            ApiError: `refused` when it cannot be read; names line, column, value and rule.
        """
        body = {"document": document, "provider": provider, "author": author}
        found: Json = self._send("PUT", _invoice_path(name), {}, body=body).json()
        return found

    def forget_invoice(self, name: str) -> None:
        """Forget an invoice. Raises ApiError, `refused`, when there is none of this name."""
        self._send("DELETE", _invoice_path(name), {})

    def reconciliation(self, name: str, grain: str | None = None) -> Json:
        """A kept invoice against what was computed; see `POST /api/reconcile` for the answer."""
        found: Json = self._json(f"{_invoice_path(name)}/reconciliation", {"grain": grain})
        return found

    def reconcile(self, document: str, provider: str | None = None, grain: str | None = None) -> Json:
        """An invoice that is not kept against what was computed; see `POST /api/reconcile` for the answer."""
        body = {"document": document, "provider": provider, "grain": grain}
        found: Json = self._send("POST", "/api/reconcile", {}, body=body).json()
        return found


def invoice_text(data: bytes) -> str:
    """The letters of an invoice: UTF-8, else as spreadsheets write it where nobody tells them (Windows-1252)."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _invoice_path(name: str) -> str:
    return f"/api/invoices/{quote(name, safe='')}"
