"""How large what a template works out may become. Texts of suites come from whoever may edit; memory is the server's.

Jinja's sandbox keeps templates from Python, not from `'a' * 10**9`.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial, update_wrapper
from typing import Any

MOST = 4 << 20  # letters, or parts of a list
_MOST_BITS = 1 << 14  # of a whole number
_INDENT = 16  # letters of a level of JSON
_WIDTH = re.compile(r"\*|\d{4}")
_FORMAT = re.compile(r"%(?:\([^)]*\))?([^a-zA-Z%]*)")  # of `%`: what stands before the letter of a kind
_FIELD = re.compile(r"\{[^{}:]*:[^{}]*(?:\{|\d{4})")  # of str.format: a width of four digits, or of a value


class TooLargeError(ValueError):
    """A template works out more than it may."""

    def __init__(self) -> None:
        super().__init__(f"it works out more than {MOST:,} letters, or a number that is too large. Let it say less.")


def within(size: int) -> None:
    """Raises TooLargeError where a text, or list, would be longer than `MOST`."""
    if size > MOST:
        raise TooLargeError


def _sized(value: Any) -> bool:
    return isinstance(value, str | bytes | list | tuple)


def _letters(value: Any) -> int:
    """Of the longest text that one placeholder of a format could give."""
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, tuple):
        return max((_letters(one) for one in value), default=0)
    return len(value) if isinstance(value, str) else len(str(value))


def _plus(left: Any, right: Any) -> Any:
    if _sized(left) and _sized(right):
        within(len(left) + len(right))
    return operator.add(left, right)


def _times(left: Any, right: Any) -> Any:
    for one, other in ((left, right), (right, left)):
        if _sized(one) and isinstance(other, int):
            within(len(one) * other)
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > _MOST_BITS:
        raise TooLargeError
    return operator.mul(left, right)


def _power(left: Any, right: Any) -> Any:
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() * right > _MOST_BITS:
        raise TooLargeError
    return operator.pow(left, right)


def _percent(left: Any, right: Any) -> Any:
    if isinstance(left, str):
        _formats(left, right)
    return operator.mod(left, right)


def _formats(text: str, told: Any) -> None:
    if any(_WIDTH.search(before) for before in _FORMAT.findall(text)):
        raise TooLargeError
    within(len(text) + text.count("%") * _letters(told))


OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {"+": _plus, "*": _times, "**": _power, "%": _percent}
"""Those that can make much of little."""


def joined(parts: Iterable[Any]) -> str:
    """What `~` gives."""
    texts = [str(part) for part in parts]
    within(sum(map(len, texts)))
    return "".join(texts)


# Methods of texts.


def _padded(name: str, text: str, width: Any, *more: Any) -> Any:
    within(width if isinstance(width, int) else 0)
    return getattr(text, name)(width, *more)


def _replaced(text: str, old: Any, new: Any, count: int = -1) -> str:
    within(len(text) + text.count(old) * len(new))
    return text.replace(old, new, count)


def _tabs(text: str, tabsize: Any = 8) -> str:
    within(len(text) + text.count("\t") * tabsize)
    return text.expandtabs(tabsize)


def _between(text: str, parts: Iterable[Any]) -> str:
    held = list(parts)
    within(len(text) * len(held) + sum(len(part) for part in held))
    return text.join(held)


METHODS: Mapping[str, Callable[..., Any]] = {
    **{name: partial(_padded, name) for name in ("center", "ljust", "rjust", "zfill")},
    "replace": _replaced, "expandtabs": _tabs, "join": _between,
}  # fmt: skip
"""Of texts, by name: they get the text first."""
CLOSED = frozenset({"translate", "encode", "to_bytes", "format_map"})
"""Attributes that no template gets."""


def formattable(text: str) -> None:
    """Raises TooLargeError where a text that `format` is called of asks for wide fields."""
    if _FIELD.search(text):
        raise TooLargeError


# Filters.


def _join(kept: Callable[..., Any], context: Any, value: Any, d: str = "", attribute: Any = None) -> Any:
    held = list(value)
    within(sum(len(one) if isinstance(one, str) else 1 for one in held) + len(str(d)) * len(held))
    return kept(context, held, d, attribute)


def _replace(
    kept: Callable[..., Any], context: Any, s: Any, old: str, new: str, *count: Any, **named: Any
) -> Any:  # fmt: skip
    text = str(s)
    within(len(text) + text.count(str(old)) * len(str(new)))
    return kept(context, s, old, new, *count, **named)


def _indent(kept: Callable[..., Any], s: Any, width: Any = 4, *more: Any, **named: Any) -> Any:
    each = width if isinstance(width, int) else len(width)
    within(len(str(s)) + (str(s).count("\n") + 1) * each)
    return kept(s, width, *more, **named)


def _wordwrap(  # noqa: PLR0917 - as the filter is called
    kept: Callable[..., Any], environment: Any, s: Any, width: int = 79, break_long_words: Any = True,
    wrapstring: str | None = None, *more: Any, **named: Any,
) -> Any:  # fmt: skip
    within(len(s) * (1 + len(wrapstring or "")))
    return kept(environment, s, width, break_long_words, wrapstring, *more, **named)


def _counted(kept: Callable[..., Any], *told: Any, **named: Any) -> Any:
    for one in (*told, *named.values()):
        within(one if isinstance(one, int) else 0)
    return kept(*told, **named)


def _format(kept: Callable[..., Any], value: Any, *told: Any, **named: Any) -> Any:
    _formats(str(value), named or told)
    return kept(value, *told, **named)


def _tojson(kept: Callable[..., Any], context: Any, value: Any, indent: int | None = None) -> Any:
    if indent is not None and indent > _INDENT:
        raise TooLargeError
    return kept(context, value, indent)


def bounded(environment: Any) -> None:
    """Put bounds on what the environment lends templates; the filter `joined` does what `~` did."""
    held = environment.filters
    by_name: dict[str, Callable[..., Any]] = {
        "join": _join, "replace": _replace, "indent": _indent, "wordwrap": _wordwrap, "format": _format,
        "tojson": _tojson, **dict.fromkeys(("center", "batch", "slice"), _counted),
    }  # fmt: skip
    for name, bound in by_name.items():
        # With what the filter is marked with: the first argument that it wants.
        held[name] = update_wrapper(partial(bound, held[name]), held[name])
    held["joined"] = joined
    del environment.globals["lipsum"]  # texts of any length, of no use
