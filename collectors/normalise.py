"""One span as received to what it means: the derived columns of table `spans`. Pure; never raises."""

from __future__ import annotations

from collections.abc import Callable

from collectors.conventions.view import Index, View
from collectors.facts import SpanFacts
from collectors.model import RawSpan
from collectors.normalising.content import read_content, read_instructions
from collectors.normalising.ending import read_cost, read_finish
from collectors.normalising.errors import read_errors
from collectors.normalising.identity import read_identity, read_prompt
from collectors.normalising.kind import read_kind
from collectors.normalising.models import read_models, read_names
from collectors.normalising.options import DEFAULT_OPTIONS, NormaliserOptions
from collectors.normalising.origin import read_origin
from collectors.normalising.timing import read_time
from collectors.normalising.usage import read_usage
from collectors.normalising.work import read_agents, read_documents, read_tools

NORMALISER_VERSION = 5
"""Stored with every row; bump it whenever the same span would be read differently."""


def normalise(span: RawSpan, options: NormaliserOptions = DEFAULT_OPTIONS) -> SpanFacts:
    """Derive every column that one span alone can tell.

    The result depends on the stored form of the span only, and not on the order of its attributes, so that running it
    over stored rows gives what ingest gave. A source that cannot be read is passed over for the next one and noted.
    """
    facts = SpanFacts()
    view = View(span.attributes)
    for step in view.index.once(_steps):
        try:
            step(span, view, facts, options)
        except Exception:  # noqa: BLE001 - one fact that cannot be read must not cost the span its others
            view.note(f"failed:{step.__name__.removeprefix('read_')}")
    facts.notes = sorted(view.notes)
    return facts


Step = Callable[[RawSpan, View, SpanFacts, NormaliserOptions], None]


def _steps(index: Index) -> tuple[Step, ...]:
    """The steps that have something to read."""
    return tuple(step for step, fields in _STEPS if not fields or index.any(fields))


_MODELS = frozenset({"response_id", "request_model", "response_model", "params_json", "model_weak"})
_COSTS = frozenset({"cost", "cost_json", "cost_nonzero"})
_PROMPTS = frozenset({"prompt_name", "prompt_version", "prompt_json"})
_TOOLS = frozenset({"tool_definitions", "tools_indexed", "params_json"})
_STEPS: tuple[tuple[Step, frozenset[str]], ...] = (  # with the facts without whose attributes a step has nothing to do
    (read_origin, frozenset()), (read_kind, frozenset()), (read_content, frozenset()),
    (read_instructions, frozenset({"system_instructions"})), (read_models, _MODELS), (read_usage, frozenset()),
    (read_names, frozenset()), (read_finish, frozenset()), (read_cost, _COSTS), (read_time, frozenset()),
    (read_identity, frozenset()), (read_prompt, _PROMPTS), (read_agents, frozenset()), (read_tools, _TOOLS),
    (read_documents, frozenset()), (read_errors, frozenset()),
)  # fmt: skip
