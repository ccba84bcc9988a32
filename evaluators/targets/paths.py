"""Where something stands in JSON, by JSONPath (RFC 9535)."""

from __future__ import annotations

import functools
from typing import Any

from evaluators.case import Json
from evaluators.targets.answer import TargetError


class PathError(ValueError):
    """A text that is no JSONPath."""


class JsonPath:
    """One path. Its text is kept as it was written."""

    def __init__(self, text: str) -> None:
        """Raises PathError."""
        from jsonpath.exceptions import JSONPathError  # noqa: PLC0415 - as in `_environment`

        self.text = text
        try:
            self._path = _environment().compile(text)
        except (JSONPathError, RecursionError) as error:
            what = error.args[0] if error.args else "it cannot be read"
            raise PathError(f"it is no JSONPath such as $.answer: {what}") from error

    def found(self, data: Json) -> list[Any]:
        """All that stands there, in order; nothing is no error. Raises TargetError: the data is nested too deep."""
        from jsonpath.exceptions import JSONPathError  # noqa: PLC0415 - loaded already

        try:
            return list(self._path.findall(data)) if isinstance(data, dict | list) else self._root(data)
        except (JSONPathError, RecursionError) as error:
            raise TargetError(
                "bad_answer", f"{self.text} cannot be looked for in what came: {error}", billed=True
            ) from error

    def _root(self, data: Json) -> list[Any]:
        """Of a value that is no container: itself by `$`."""
        return [data] if self.text.strip() == "$" else []


@functools.cache
def _environment() -> Any:
    from jsonpath import JSONPathEnvironment  # noqa: PLC0415 - 50 ms, and only endpoints need it

    return JSONPathEnvironment(strict=True)
