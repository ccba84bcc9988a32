"""What the client asks of the server itself, its projects and its store."""

from __future__ import annotations

from datetime import datetime

from server.client_base import WHOLE_STORE_S, ClientBase, Json, text


class StoreClient(ClientBase):
    """The server, its projects and its store, as a part of `server.client.Client`."""

    def status(self) -> Json:
        """What `GET /api/status` says: version, addresses, counters, queue, disk."""
        found: Json = self._json("/api/status")
        return found

    def ready(self) -> tuple[bool, list[str]]:
        """Whether the server takes and answers, and, if not, why."""
        answer = self._send("GET", "/readyz", accept_status=(200, 503))
        found = answer.json()
        return answer.status_code == 200, list(found.get("reasons", []))

    def watermark(self) -> str:
        """State of the data, `commit_seq-resolved_seq`: the same question has the same answer while it stands still."""
        return str(self._json("/api/watermark")["watermark"])

    def settle(self, timeout_s: float = 30.0) -> str:
        """Wait until everything committed so far is resolved into traces; returns the watermark."""
        found = self._send("POST", "/api/settle", body={"timeout_s": timeout_s}, timeout_s=timeout_s + 5).json()
        return str(found["watermark"])

    def projects(self) -> list[Json]:
        """`project_id` and `name` of every project, oldest first."""
        found: list[Json] = self._json("/api/projects")
        return found

    def add_project(self, name: str) -> Json:
        """Create a project; one that exists is returned as it is."""
        found: Json = self._send("POST", "/api/projects", body={"name": name}).json()
        return found

    def ledger(self, since: datetime | None = None, until: datetime | None = None) -> list[Json]:
        """Sums of the ledger per hour, source, service and signal: received = stored + duplicate + rejected.

        Whole hours: all that [since, until) touches.
        """
        rows: list[Json] = self._json("/api/ledger", {"since": since, "until": until})
        return rows

    def load_demo(self) -> Json:
        """Load the sample data, some seconds. Returns `traces`, `spans_accepted`, `logs_accepted`, `newest`, ..."""
        found: Json = self._send("POST", "/api/demo", body={}, timeout_s=600).json()
        return found

    def export(self, folder: str, since: datetime | None = None, until: datetime | None = None) -> Json:
        """Have the server write Parquet files into a folder of its machine. Returns the manifest."""
        body = {"folder": folder, "since": since and text(since), "until": until and text(until)}
        found: Json = self._send("POST", "/api/export", body=body, timeout_s=WHOLE_STORE_S).json()
        return found

    def renormalise(self) -> Json:
        """Derive the columns of all stored spans anew; takes minutes on a large store. Returns `spans`, `changed`."""
        found: Json = self._send("POST", "/api/renormalise", body={}, timeout_s=WHOLE_STORE_S).json()
        return found
