"""Texts with placeholders that an item fills, `{{ question }}`. Values are put in, and never read as templates."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from difflib import get_close_matches
from types import GeneratorType
from typing import Any, TypeAlias, cast

from evaluators.case import Case, Json
from evaluators.rows import NAMES, case_row
from evaluators.targets import bounds
from evaluators.targets.answer import Asking, TargetError

KNOWN = (*NAMES, "metadata", "repeat", "seed")  # what a template can name; no part of an item is called otherwise
Values: TypeAlias = Mapping[str, Json]


class TemplateError(ValueError):
    """A text that is no template, or names what no item has."""


def values_of(case: Case, asking: Asking) -> dict[str, Json]:
    """What a template can name. What the item does not give is not among it."""
    return {**case_row(case), "metadata": dict(case.metadata), "repeat": asking.repeat, "seed": asking.seed}


class Template:
    """One text. Safe in threads."""

    def __init__(self, text: str, key: str = "", names: Collection[str] | None = KNOWN) -> None:
        """`key` is its place in the settings, for errors; `names` it may use, null: any. Raises TemplateError."""
        self._key = key
        self._fill, self.variables = _filling(text, names)

    def value(self, values: Values) -> Json:
        """The value of a text that is one placeholder alone, with its type; else the filled text.

        Raises:
            TargetError: the item lacks a field that it needs, or it fails in another way.
        """
        try:
            return _json(self._fill(values))
        except Exception as error:
            raise TargetError("bad_request", f"{self._key or 'The template'}: {_said(error)}") from error

    def text(self, values: Values) -> str:
        """The filled text; a value that is no text is written as JSON. Raises TargetError as `value` does."""
        return _written(self.value(values))


class Templates:
    """A JSON value whose texts are templates."""

    def __init__(self, body: Json, key: str = "body") -> None:
        """Raises TemplateError."""
        self._body = _compiled(body, key)

    def value(self, values: Values) -> Json:
        """The filled value. Raises TargetError as a template does."""
        return _filled(self._body, values)


def faults(body: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str, TemplateError]]:
    """Each text within that is no template: where it stands, itself, and what is wrong."""
    if isinstance(body, str):
        try:
            Template(body)
        except TemplateError as fault:
            yield path, body, fault
    elif isinstance(body, Mapping):
        for name, held in body.items():
            yield from faults(held, (*path, name))
    elif isinstance(body, list):
        for place, held in enumerate(body):
            yield from faults(held, (*path, place))


def _compiled(body: Any, key: str) -> Any:
    if isinstance(body, str):
        return Template(body, key)
    if isinstance(body, Mapping):
        return {name: _compiled(held, f"{key}.{name}") for name, held in body.items()}
    if isinstance(body, list):
        return [_compiled(held, f"{key}.{place}") for place, held in enumerate(body)]
    return body


def _filled(body: Any, values: Values) -> Json:
    if isinstance(body, Template):
        return body.value(values)
    if isinstance(body, dict):
        return {name: _filled(held, values) for name, held in body.items()}
    if isinstance(body, list):
        return [_filled(held, values) for held in body]
    return cast("Json", body)


def _filling(text: str, names: Collection[str] | None) -> tuple[Callable[[Values], Any], tuple[str, ...]]:
    """What fills the text, and the variables that it names, sorted."""
    if not any(mark in text for mark in ("{{", "{%", "{#")):
        return lambda _: text, ()
    from jinja2 import TemplateSyntaxError, meta, nodes  # noqa: PLC0415 - only where there is something to fill
    from jinja2.environment import TemplateExpression  # noqa: PLC0415

    env = _environment()
    try:
        tree = env.parse(text.rstrip("\n"))
        named = meta.find_undeclared_variables(tree) - env.globals.keys()
        match tree.body:
            case [nodes.Output(nodes=[nodes.Expr() as alone])] if not isinstance(alone, nodes.TemplateData):
                # As `Environment.compile_expression` does, which takes an expression without its braces.
                kept = nodes.Template([nodes.Assign(nodes.Name("result", "store"), alone, lineno=1)], lineno=1)
                expression = TemplateExpression(env.from_string(_counted(kept)), undefined_to_none=False)
                fill: Callable[[Values], Any] = expression
            case _:
                fill = env.from_string(_counted(env.parse(text))).render
    except TemplateSyntaxError as error:
        raise TemplateError(f"it is no template: {error.message} (line {error.lineno} of the text)") from error
    for name in sorted(named - set(named if names is None else names)):
        raise TemplateError(f"no item has a field {name!r}{_hint(name)}")
    return fill, tuple(sorted(named))


def _counted(tree: Any) -> Any:
    """The tree with all that it says as expressions, whose letters are counted, `~` too: also what loops repeat."""
    from jinja2 import nodes  # noqa: PLC0415 - as above
    from jinja2.visitor import NodeTransformer  # noqa: PLC0415

    class Counting(NodeTransformer):
        def visit_TemplateData(self, node: Any) -> Any:  # noqa: N802 - as Jinja calls it
            return nodes.Const(node.data, lineno=node.lineno)

        def visit_Concat(self, node: Any) -> Any:  # noqa: N802 - likewise
            parts = nodes.List([self.visit(part) for part in node.nodes], lineno=node.lineno)
            return nodes.Filter(parts, "joined", [], [], None, None, lineno=node.lineno)

    return Counting().visit(tree).set_environment(_environment())


def _hint(name: str) -> str:
    close = get_close_matches(name, KNOWN, n=1)
    return f"; did you mean {close[0]!r}?" if close else "; what is the item's own is named metadata.NAME"


@functools.cache
def _environment() -> Any:
    from jinja2 import StrictUndefined, pass_context  # noqa: PLC0415 - as above
    from jinja2.runtime import Undefined  # noqa: PLC0415
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415

    class Missing(StrictUndefined):
        """A field that the item does not have."""

        __slots__ = ()

        @property
        def _undefined_message(self) -> str:
            return self._undefined_hint or f"the item has no {self._undefined_name!r}."

    class Environment(ImmutableSandboxedEnvironment):
        """In which `metadata.items` is the item's field of that name, where it has one, and nothing grows large."""

        intercepted_binops = frozenset(bounds.OPERATORS)

        def getattr(self, obj: Any, attribute: str) -> Any | Undefined:
            if isinstance(obj, dict) and attribute in obj:
                return obj[attribute]
            return _method(obj, attribute) or super().getattr(obj, attribute)

        def getitem(self, obj: Any, argument: Any) -> Any | Undefined:
            return _method(obj, argument) or super().getitem(obj, argument)

        def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
            return attr not in bounds.CLOSED and super().is_safe_attribute(obj, attr, value)

    @pass_context  # which also keeps Jinja from working out what is constant while it reads
    def written(context: Any, value: Any) -> Any:
        if isinstance(value, Undefined):
            return value
        said = _written(_json(value))
        context.letters = getattr(context, "letters", 0) + len(said)
        bounds.within(context.letters)
        return said

    # Neither HTML nor a page: a prompt or a JSON text must not be escaped. `optimized` works out what is constant.
    made = Environment(undefined=Missing, finalize=written, keep_trailing_newline=True, autoescape=False,
                       optimized=False)  # fmt: skip
    made.binop_table.update(bounds.OPERATORS)
    bounds.bounded(made)
    return made


def _method(obj: Any, name: Any) -> Callable[..., Any] | None:
    """A method of a text that could make much of little, with a bound; null: it is none of these."""
    if not isinstance(obj, str) or not isinstance(name, str):
        return None
    if name == "format":
        bounds.formattable(obj)
    method = bounds.METHODS.get(name)
    return None if method is None else functools.partial(method, obj)


def _json(value: Any) -> Json:
    """A value as JSON. Raises what a missing field raises, TypeError for what JSON has no form of, TooLargeError."""
    return _sized_json(value, [0])


def _sized_json(value: Any, size: list[int]) -> Json:
    """`size`: of one item, letters and parts so far; a list of lists may name one text without end."""
    size[0] += len(value) if isinstance(value, str) else 1
    bounds.within(size[0])
    if isinstance(value, str):
        return str(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(name): _sized_json(held, size) for name, held in value.items()}
    if isinstance(value, list | tuple | GeneratorType):
        return [_sized_json(held, size) for held in value]
    str(value)  # of a missing field: names it
    raise TypeError(f"it gives a {type(value).__name__}, which JSON has no form of.")


def _written(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _said(error: Exception) -> str:
    from jinja2 import UndefinedError  # noqa: PLC0415 - loaded already

    told = isinstance(error, UndefinedError | TypeError | bounds.TooLargeError)
    return str(error)[:300] if told else f"it cannot be filled: {type(error).__name__}: {error}"[:300]
