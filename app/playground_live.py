"""What models answer, as their stream tells it: read by a thread, so that no rerun of the page loses it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from threading import Thread
from typing import Any, Literal

from server.client import ApiError, Client

Json = dict[str, Any]
GONE_S = 10.0
OVER = frozenset({"done", "error", "stopped"})


@dataclass(slots=True)
class Answer:
    """What one model has said so far."""

    model: str
    state: Literal["waiting", "streaming", "done", "error", "stopped"] = "waiting"
    text: str = ""
    reason: str = ""  # of an error
    calls: list[Json] = field(default_factory=list)  # of tools: name, arguments, id
    told: Json = field(default_factory=dict)  # of the event `done`: times, tokens, cost

    @property
    def over(self) -> bool:
        return self.state in OVER

    def take(self, event: Mapping[str, Any]) -> None:
        """What an event of its column changes."""
        kind = event["kind"]
        if kind == "text":
            self.text, self.state = self.text + event["text"], "streaming"
        elif kind == "tool_call":
            self.calls.append({name: event.get(name) for name in ("name", "arguments", "id")})
        elif kind == "done":
            self.text, self.state = event["text"], "done"
            self.told = {name: value for name, value in event.items() if name not in {"column", "kind", "text"}}
        elif kind == "error":
            self.reason, self.state = event["reason"], "error"


class Live:
    """One request. Its answers are changed by its thread, and read by whoever draws."""

    def __init__(
        self,
        client: Client,
        wish: Mapping[str, Any],
        names: Sequence[str],
        wanted: Callable[[], bool] = lambda: True,
        gone_s: float = GONE_S,
    ) -> None:
        """Asks at once.

        Args:
            client: of the server.
            wish: of `POST /api/playground`.
            names: what the models of the wish are called.
            wanted: whether anybody is still there; when nobody has been for `gone_s`, it stops by itself.
            gone_s: seconds; a browser that lost its connection comes back.
        """
        self.answers = [Answer(name) for name in names]
        self.refused = ""  # why nobody was asked
        self.began, self.ended = time.monotonic(), 0.0  # ended: 0.0 while it goes on
        self._stopping, self._wanted, self._gone_s, self._seen = False, wanted, gone_s, self.began
        self._thread = Thread(target=self._run, args=(client, dict(wish)), daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        return self.ended > 0

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return (self.ended or time.monotonic()) - self.began

    def stop(self) -> None:
        """Ask no further: the server gives up what is not answered, a second later at most."""
        self._stopping = True

    def _run(self, client: Client, wish: Json) -> None:
        try:
            with closing(client.play(wish)) as events:
                for event in events:
                    if self._stopping or self._forsaken():
                        self._stopping = True
                        break
                    if event is not None:
                        self.answers[event["column"]].take(event)
        except ApiError as error:
            self.refused = str(error)
        except Exception as error:  # noqa: BLE001 - nobody else would hear of it
            self.refused = f"The answers could not be read: {type(error).__name__}: {error}"
        self._end()

    def _forsaken(self) -> bool:
        now = time.monotonic()
        if self._wanted():
            self._seen = now
        return now - self._seen > self._gone_s

    def _end(self) -> None:
        for one in self.answers:
            if not one.over:
                one.state = "stopped" if self._stopping else "error"
                one.reason = (
                    one.reason or self.refused or "The server ended the stream before the answer did. Ask again."
                )
        self.ended = time.monotonic()
