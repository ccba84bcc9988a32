"""What the client asks of the playground."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from typing import Any

from server.client_base import ClientBase, Json


class PlaygroundClient(ClientBase):
    """The playground, as a part of `server.client.Client`."""

    def play(self, wish: Mapping[str, Any]) -> Generator[Json | None, None, None]:
        """Ask models side by side: the events of `POST /api/playground` as they come; null: a sign of life.

        Closing the iterator cancels what is still asked.

        Raises:
            ApiError: `refused`, saying what of the prompt or its variables cannot be; `failed`: too many ask.
        """
        with self._stream("/api/playground", {}, method="POST", body=dict(wish)) as answer:
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))
                elif line.startswith(":"):
                    yield None

    def playground_models(self) -> Json:
        """Models to choose from: `models`, `variables`, `problems`; see `GET /api/playground/models`."""
        found: Json = self._json("/api/playground/models")
        return found

    def playground_suite(self, told: Mapping[str, Any]) -> Json:
        """What is shown as a suite over a dataset: `name`, `document`, `over`; see `POST /api/playground/suite`."""
        found: Json = self._send("POST", "/api/playground/suite", {}, body=dict(told)).json()
        return found
