"""Parameters of the request, as JSON tells them."""

from __future__ import annotations

from collections.abc import Iterator

from collectors.conventions.values import Json
from collectors.conventions.view import View


def params(view: View) -> Iterator[dict[str, Json]]:
    """The request's parameters, each source's whole."""
    for key, _ in view.items("params_json"):
        held = view.json(key)
        if isinstance(held, dict):
            yield held


def model_in(held: dict[str, Json]) -> str | None:
    """The model that parameters name."""
    found = (held.get(name) for name in ("model", "model_name", "modelId", "model_id", "deployment"))
    return next((value for value in found if isinstance(value, str) and value), None)
