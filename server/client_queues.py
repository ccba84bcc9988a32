"""What the client asks of queues."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from server.client_base import Answer, ClientBase, Json

WRITE_S = 120.0


class QueuesClient(ClientBase):
    """Work for reviewers, as a part of `server.client.Client`."""

    def queues(self) -> list[Json]:
        """The project's queues: higher priority first, then the nearer deadline; see `GET /api/queues`."""
        found: list[Json] = self._json("/api/queues")
        return found

    def queue(self, name: str) -> Json:
        """One queue with its versions and labellers."""
        found: Json = self._json(queue_path(name))
        return found

    def set_queue(
        self, name: str, terms: Mapping[str, Any], author: str | None = None, upon: int | None = None
    ) -> Json:
        """Set a queue; see `PUT /api/queues/{name}`. Answers as `queue`."""
        told = {**terms, "author": author, "upon": upon}
        found: Json = self._send("PUT", queue_path(name), {}, body=told).json()
        return found

    def delete_queue(self, name: str, author: str | None = None) -> None:
        """Take a queue away with its items; the scores that its labels made stay."""
        self._send("DELETE", queue_path(name), {"confirm": name, "author": author})

    def open_queue(self, name: str, author: str | None = None) -> Json:
        """Let people label again."""
        found: Json = self._send("POST", f"{queue_path(name)}/open", {}, body={"author": author}).json()
        return found

    def close_queue(self, name: str, author: str | None = None) -> Json:
        """Hand nobody an item and save no label until it is opened."""
        found: Json = self._send("POST", f"{queue_path(name)}/close", {}, body={"author": author}).json()
        return found

    def add_items(self, name: str, items: Sequence[Mapping[str, Any]], author: str | None = None) -> Json:
        """Put up to 1,000 items into a queue: `added`, `there`, `refused`."""
        told = {"author": author, "items": list(items)}
        found: Json = self._send("POST", f"{queue_path(name)}/items", {}, body=told, timeout_s=WRITE_S).json()
        return found

    def queue_items(
        self, name: str, state: str = "all", search: str | None = None, limit: int = 100, after: int = 0
    ) -> Json:
        """Items by number: `items`, `total`, `cut`."""
        params = {"state": state, "search": search or None, "limit": limit, "after": after}
        found: Json = self._json(f"{queue_path(name)}/items", params)
        return found

    def queue_item(self, name: str, number: int, labeller: str | None = None) -> Json:
        """One item whole; for a labeller of a blind queue without what is hidden."""
        found: Json = self._json(f"{queue_path(name)}/items/{number}", {"labeller": labeller})
        return found

    def change_item(self, name: str, number: int, told: Mapping[str, Any], author: str | None = None) -> Json:
        """Change priority, needed, gold, removed or back of an item."""
        body = {**told, "author": author}
        found: Json = self._send("PATCH", f"{queue_path(name)}/items/{number}", {}, body=body).json()
        return found

    def take_items(self, name: str, labeller: str, most: int = 1, number: int | None = None) -> Json:
        """Items for a labeller: `items`, `why_none`, `progress`."""
        return self._labelling(name, "take", {"labeller": labeller, "most": most, "number": number})

    def renew_leases(self, name: str, labeller: str, lease_ids: Sequence[str]) -> Json:
        """Keep items in hand for longer; `leases` has those that were kept."""
        return self._labelling(name, "renew", {"labeller": labeller, "lease_ids": list(lease_ids)})

    def release_leases(self, name: str, labeller: str, lease_ids: Sequence[str]) -> Json:
        """Give items back."""
        return self._labelling(name, "release", {"labeller": labeller, "lease_ids": list(lease_ids)})

    def save_label(self, name: str, told: Mapping[str, Any]) -> Json:
        """Save a label; see `POST /api/queues/{name}/labels`. Safe to repeat with the same `label_id`."""
        return self._labelling(name, "labels", told)

    def skip_item(self, name: str, told: Mapping[str, Any]) -> Json:
        """Skip an item: `label_id`, `labeller`, `number`, `reason`, `take`."""
        return self._labelling(name, "skip", told)

    def undo_label(self, name: str, labeller: str, label_id: str | None = None) -> Json:
        """Take back what somebody said last: `item` (null: nothing) and `progress`.

        Safe to repeat with the same `label_id`.
        """
        return self._labelling(name, "undo", {"labeller": labeller, "label_id": label_id})

    def keep_draft(self, name: str, told: Mapping[str, Any]) -> None:
        """Keep what is filled in: `labeller`, `number`, `answers`, `comment`, `seconds`."""
        self._send("PUT", f"{queue_path(name)}/drafts", {}, body=told)

    def import_labels(self, name: str, labels: Sequence[Mapping[str, Any]], author: str | None = None) -> Json:
        """Put up to 1,000 labels of elsewhere into a queue: `added`, `there`, `refused`."""
        told = {"author": author, "labels": list(labels)}
        found: Json = self._send("POST", f"{queue_path(name)}/import", {}, body=told, timeout_s=WRITE_S).json()
        return found

    def queue_progress(self, name: str, labeller: str = "") -> Json:
        """How far a queue and a labeller are."""
        found: Json = self._json(f"{queue_path(name)}/progress", {"labeller": labeller})
        return found

    def queue_labels(self, name: str, field: str | None = None, after: int = 0) -> Answer:
        """Answers that count, a row each, of items after a number; see the query `queue_labels`. It may be cut."""
        return self._frame("/api/query/queue_labels", {"queue": name, "field": field, "after": after})

    def all_queue_labels(self, name: str, field: str | None = None) -> Iterator[Answer]:
        """As `queue_labels`, all of them: an answer for each part, none of which cuts an item."""
        after = 0
        while True:
            part = self.queue_labels(name, field, after)
            if not part.truncated:
                yield part
                return
            last = int(part.frame["number"].iloc[-1])
            yield Answer(part.frame[part.frame["number"] < last], part.watermark, truncated=True)
            after = last - 1

    def _labelling(self, name: str, what: str, told: Mapping[str, Any]) -> Json:
        found: Json = self._send("POST", f"{queue_path(name)}/{what}", {}, body=told).json()
        return found


def queue_path(name: str) -> str:
    """Of a queue, in the API."""
    return f"/api/queues/{quote(name, safe='')}"
