"""The door to one queue, as the labelling page asks it. Nothing is cached: what others do meanwhile counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app import data
from server.client import Client

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Door:
    """One queue, asked for one labeller; see `app.labelling_work.Door`."""

    client: Client
    name: str
    labeller: str

    def take(self, most: int, number: int | None = None) -> Row:
        return self.client.take_items(self.name, self.labeller, most, number)

    def save(self, label: Row, take: int) -> Row:
        return self.client.save_label(self.name, label | {"labeller": self.labeller, "take": take})

    def skip(self, label_id: str, number: int, reason: str, take: int) -> Row:
        told = {"label_id": label_id, "labeller": self.labeller, "number": number, "reason": reason, "take": take}
        return self.client.skip_item(self.name, told)

    def undo(self, label_id: str) -> Row:
        return self.client.undo_label(self.name, self.labeller, label_id)

    def draft(self, number: int, said: Row) -> None:
        self.client.keep_draft(self.name, said | {"labeller": self.labeller, "number": number})

    def renew(self, lease_ids: Sequence[str]) -> Row:
        return self.client.renew_leases(self.name, self.labeller, lease_ids)

    def said(self, number: int) -> Row:
        item = self.client.queue_item(self.name, number, self.labeller)
        return {
            "labels": [one for one in item["labels"] if not self._mine(one["author"]) and one["state"] == "saved"],
            "scores": [one for one in item["scores"] if one["evaluator"] != self.name],
        }

    def _mine(self, author: str) -> bool:
        """The server knows a labeller whose name differs by case or blanks alone as the same person."""
        one, other = (" ".join(name.split()).lower() for name in (author, self.labeller))
        return one == other


def door(name: str, labeller: str) -> Door:
    """Of the page's project."""
    return Door(data.client(), name, labeller)
