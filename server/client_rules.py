"""What the client asks of standing rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from server.client_base import ClientBase, Json, text


class RulesClient(ClientBase):
    """Standing rules, as a part of `server.client.Client`."""

    def rules(self) -> list[Json]:
        """The project's standing rules, by name; see `GET /api/rules/{name}` for the fields."""
        found: list[Json] = self._json("/api/rules")
        return found

    def rule(self, name: str) -> Json:
        """One rule. Raises ApiError, `refused`, when there is none of this name."""
        found: Json = self._json(_rule(name))
        return found

    def set_rule(self, name: str, terms: Mapping[str, Any], author: str | None = None) -> Json:
        """Set a rule; see `PUT /api/rules/{name}`. Answers as `rule`.

        Raises:
            ApiError: `refused` when an evaluator, an option or a filter is unknown; says which.
        """
        found: Json = self._send("PUT", _rule(name), {}, body={**terms, "author": author}).json()
        return found

    def delete_rule(self, name: str, author: str | None = None) -> None:
        """Take a rule away, with what waits of it; its scores stay."""
        self._send("DELETE", _rule(name), {"author": author})

    def rule_backlog(self, name: str, hours: int = 24) -> Json:
        """What waits of a rule, and what it did by the hour; see `GET /api/rules/{name}/backlog`."""
        found: Json = self._json(f"{_rule(name)}/backlog", {"hours": hours})
        return found

    def rule_queue(self, name: str, state: str | None = None) -> list[Json]:
        """Its parts: `waiting`, `working`, `failed`, `done`; see `GET /api/rules/{name}/queue`."""
        found: list[Json] = self._json(f"{_rule(name)}/queue", {"state": state})
        return found

    def rule_failures(self, name: str) -> Json:
        """Targets that are not scored, and why; see `GET /api/rules/{name}/failures`."""
        found: Json = self._json(f"{_rule(name)}/failures")
        return found

    def retry_failures(self, name: str, **chosen: str | None) -> int:
        """Have failures scored again; how many targets. `chosen`: see `POST /api/rules/{name}/retry`; none: all."""
        found: Json = self._send("POST", f"{_rule(name)}/retry", {}, body=chosen).json()
        return int(found["targets"])

    def backfill(self, name: str, since: datetime, until: datetime, *, dry_run: bool = False, **more: Any) -> Json:
        """Have stored traces scored by a rule, or say what that would be; see `POST /api/rules/{name}/backfill`."""
        body = {"since": text(since), "until": text(until), "dry_run": dry_run, **more}
        found: Json = self._send("POST", f"{_rule(name)}/backfill", {}, body=body, timeout_s=600).json()
        return found

    def preview_rule(self, terms: Mapping[str, Any], count: int = 5) -> list[Json]:
        """What a rule's evaluators say of the newest that match; see `POST /api/rules/preview`."""
        body = {**terms, "count": count}
        found: list[Json] = self._send("POST", "/api/rules/preview", {}, body=body, timeout_s=120).json()
        return found


def _rule(name: str) -> str:
    return f"/api/rules/{quote(name, safe='')}"
