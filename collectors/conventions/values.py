"""Reading one attribute's stored text: numbers, truth values, JSON. Nothing raises; what cannot be read is null."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar, cast

import orjson

P = ParamSpec("P")
T = TypeVar("T")
Json = Any
"""A parsed JSON value."""

UNSET = frozenset({"", "None", "none", "null", "undefined", "NOT_GIVEN", "<not set>"})
"""Texts by which instrumentors say that they have no value."""

MAX_COUNT = 2**53  # beyond it no counter is meant, and JSON readers lose digits

MAX_NESTING = 200  # of a value once it is parsed: readers go down by recursion, which Python ends at 1,000 frames
TOO_DEEP = "[nested too deep]"
MAX_REMEMBERED = 200  # letters; no name is longer
_WRITABLE = 254  # levels that orjson writes; it reads 1,024

# A quote that nobody closes reaches to the end of the text: tried again at each quote within it, the search took
# time with the square of the text.
_PYTHON_TOKEN = re.compile(
    r"""'([^'\\]*+(?:\\.[^'\\]*+)*+)('?)|"([^"\\]*+(?:\\.[^"\\]*+)*+)("?)|\b(None|True|False)\b""", re.DOTALL
)
_PYTHON_STARTS = ("{'", "['", "[{'", "[None", "[True", "[False")
_PYTHON_WORDS = {"None": "null", "True": "true", "False": "false"}


def is_redacted(text: str) -> bool:
    """Whether the sender put a marker in place of the value (OpenInference, Logfire)."""
    return text == "__REDACTED__" or text.startswith("[Scrubbed due to")


def plain(text: str | None) -> str | None:
    """The text without JSON quotes (`"gpt"` to `gpt`); null when unset."""
    if text is None or text in UNSET:
        return None
    if len(text) > 1 and text[0] == '"' == text[-1]:
        value = parse(text)
        return value if isinstance(value, str) and value not in UNSET else None
    return text


def whole(value: Json) -> int | None:
    """A count from an integer, a float without fraction, or their text; null if negative, boolean or out of range."""
    if isinstance(value, str):
        if value.isdecimal() and len(value) < 17:
            return int(value)
        text = value.strip().strip('"')
        if text.isdecimal() and len(text) < 17:
            return int(text)
        value = number(text)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(value) if 0 <= value <= MAX_COUNT and value == int(value) else None


def number(value: Json) -> float | None:
    """A finite float from a number or its text, else null."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        read = float(value.strip().strip('"') if isinstance(value, str) else value)
    except (ValueError, TypeError, OverflowError):
        return None
    return read if math.isfinite(read) else None


def truth(value: Json) -> bool | None:
    """`true`, `True`, `1` and their opposites, else null."""
    word = str(value).strip().strip('"').lower()
    if word in {"true", "1"}:
        return True
    return False if word in {"false", "0"} else None


def parse(text: str | None) -> Json | None:
    """The JSON value that the text holds, or null; also reads the printed form of Python dicts and lists."""
    if not text:
        return None
    try:
        return loads(text)
    except ValueError:
        return parse_python(text)


def loads(text: str) -> Json:
    """The JSON value of a text; what is nested beyond `MAX_NESTING` in a very deep one becomes `TOO_DEEP`.

    Raises:
        ValueError: the text is not JSON.
    """
    value = orjson.loads(text)
    if text.count("[") + text.count("{") <= _WRITABLE or _is_writable(value):
        return value
    return _pruned(value, MAX_NESTING)


def _is_writable(value: Json) -> bool:
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


def _pruned(value: Json, levels: int) -> Json:
    if not isinstance(value, dict | list):
        return value
    if levels == 0:
        return TOO_DEEP
    if isinstance(value, list):
        return [_pruned(item, levels - 1) for item in value]
    return {name: _pruned(item, levels - 1) for name, item in value.items()}


def parse_python(text: str) -> Json | None:
    """JSON value of the `repr()` of a Python dict or list, which LiteLLM sends; null if it is not one."""
    if not text.startswith(_PYTHON_STARTS):
        return None
    try:
        return loads(_PYTHON_TOKEN.sub(_as_json, text))
    except ValueError:
        return None


def _as_json(match: re.Match[str]) -> str:
    """The token in JSON. Raises ValueError for a quoted text that does not end."""
    single, closed, double, closed_double, word = match.groups()
    if word:
        return _PYTHON_WORDS[word]
    if not (closed or closed_double):
        raise ValueError("The text ends within quotes.")
    text = single if single is not None else double
    if "\\" in text:
        text = text.replace("\\'", "'").replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")
    return orjson.dumps(text).decode()


def looks_like_json(text: str) -> bool:
    """Whether the text opens like a JSON object, array or string."""
    return text.lstrip()[:1] in {"{", "[", '"'} if text[:1].isspace() else text[:1] in {"{", "[", '"'}


def dumps(value: Json) -> str:
    """Compact JSON text; nests beyond `MAX_NESTING` in a very deep value are written as `TOO_DEEP`."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        return _unusual(value)


def _unusual(value: Json) -> str:
    try:
        return orjson.dumps(_pruned(value, MAX_NESTING), option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # nothing that came from JSON; kept for values built in tests or by callers
        return str(value)


def stored_text(value: Json) -> str | None:
    """Text form of a JSON value as attributes are stored: strings as they are, other types as JSON, null as null."""
    if value is None or isinstance(value, str):
        return value
    return dumps(value)


def strings(value: Json) -> list[str]:
    """A list of non-empty strings from a list, or from one string."""
    if isinstance(value, str):
        return [value] if value and value not in UNSET else []
    if not isinstance(value, list):
        return []
    return [item if isinstance(item, str) else dumps(item) for item in value if item not in (None, "")]


def remembered(work: Callable[P, T]) -> Callable[P, T]:
    """`work`, a function of texts by place, that remembers some thousand short ones: names of models repeat."""
    known: Callable[..., T] = lru_cache(maxsize=4096)(work)

    @wraps(work)
    def asked(*texts: Any) -> T:
        one: Callable[..., T] = known if len(texts[-1]) <= MAX_REMEMBERED else work
        return one(*texts)

    return cast("Callable[P, T]", asked)


def words(text: str) -> tuple[str, ...]:
    """The words of a text: long lists of names read better without quotes."""
    return tuple(text.split())
