"""Values of any form that somebody sends, such as what a tool was given: kept as they are, where they can be."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator


def readable(value: Any) -> Any:
    """A value of JSON without halves of surrogate pairs, which can be neither stored nor sent; they become `?`."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [readable(one) for one in value]
    if isinstance(value, dict):
        return {readable(name): readable(one) for name, one in value.items()}
    return value


Free = Annotated[Any, AfterValidator(readable)]
"""Any value of JSON."""
