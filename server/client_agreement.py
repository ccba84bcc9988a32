"""What the client asks of agreement in queues, and what it decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from server.client_base import ClientBase, Json, Param
from server.client_queues import queue_path

LONG_S = 120.0  # for the first answer after a label of many


class AgreementClient(ClientBase):
    """How far people agree in a queue, as a part of `server.client.Client`."""

    def queue_agreement(
        self, name: str, field: str | None = None, by: str | None = None, weights: str = "none",
        between: tuple[str, str] | None = None,
    ) -> Json:  # fmt: skip
        """Coefficients by field, pair, slice and time, confusion, each labeller; see `GET .../agreement`.

        `between`: labels of these two people alone.
        """
        first, second = between or (None, None)
        params: dict[str, Param] = {"field": field, "by": by, "weights": weights, "first": first, "second": second}
        found: Json = self._send("GET", f"{queue_path(name)}/agreement", params, timeout_s=LONG_S).json()
        return found

    def queue_consensus(self, name: str, field: str | None = None) -> list[Json]:
        """One answer for each item and field; see `GET .../consensus`."""
        found: list[Json] = self._send(
            "GET", f"{queue_path(name)}/consensus", {"field": field}, timeout_s=LONG_S
        ).json()
        return found

    def queue_disputes(
        self, name: str, field: str | None = None, state: str = "all", numbers: Sequence[int] = (), **page: int
    ) -> Json:
        """Items whose labels differ: `items`, `total`, `open`; see `GET .../disputes`.

        Args:
            name: of the queue.
            field: none: the first that has disputes.
            state: open, decided or all.
            numbers: of items; none: all.
            page: `limit` and `after`.
        """
        these = ",".join(str(number) for number in numbers) or None
        params: dict[str, Param] = {"field": field, "state": state, "numbers": these, **page}
        found: Json = self._send("GET", f"{queue_path(name)}/disputes", params, timeout_s=LONG_S).json()
        return found

    def decide(  # noqa: PLR0917 - what is decided
        self, name: str, number: int, field: str, answer: Any, why: str | None, author: str
    ) -> Json:
        """Say which answer counts, or null to take a decision back; see `POST .../decisions`.

        Raises:
            ApiError: `refused` when the answer does not fit the field.
        """
        told = {"number": number, "field": field, "answer": answer, "why": why, "author": author}
        found: Json = self._send("POST", f"{queue_path(name)}/decisions", {}, body=told).json()
        return found
