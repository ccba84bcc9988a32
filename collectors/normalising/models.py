"""Which model was asked, of whom, and the id of its answer."""

from __future__ import annotations

import re

from collectors.conventions import providers
from collectors.conventions.values import plain
from collectors.conventions.view import View
from collectors.facts import SpanFacts
from collectors.model import RawSpan
from collectors.normalising.kind import CALLS, MODELLED
from collectors.normalising.metadata import METADATA, member, metadata_texts
from collectors.normalising.options import NormaliserOptions
from collectors.normalising.parameters import model_in, params


def read_models(_: RawSpan, view: View, facts: SpanFacts, __: NormaliserOptions) -> None:
    """The models as attributes name them, and the id of the answer."""
    facts.response_id = _response_id(view)
    facts.request_model = view.text("request_model")
    facts.response_model = view.text("response_model")
    if facts.request_model is None and "params_json" in view.found:
        facts.request_model = next((m for held in params(view) if (m := model_in(held))), None)
    weak = view.text("model_weak")
    if weak and facts.request_model is None and "llm.model_name" not in view.attributes and facts.kind in MODELLED:
        facts.request_model = weak


def _response_id(view: View) -> str | None:
    found = view.text("response_id")
    return None if found is None or _BARE_UUID.fullmatch(found) else found


_BARE_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
"""A library's own number for the call (LiteLLM on errors), not the provider's."""


def provider_id(response_id: str | None) -> str | None:
    """The id, unless it is a library's own number for the call."""
    return None if response_id is None or _BARE_UUID.fullmatch(response_id) else response_id


def requested_model(view: View) -> str | None:
    """The model that the request's own JSON names."""
    for field in ("input", "input_weak"):
        for key, value in view.items(field):
            if value[:1] == "{" and '"model' in value:
                held = view.json(key)
                model = model_in(held) if isinstance(held, dict) else None
                if model:
                    return model
    return None


def read_names(span: RawSpan, view: View, facts: SpanFacts, _: NormaliserOptions) -> None:
    """Names of models and provider in one form, once all that tell them are read."""
    if facts.kind not in CALLS and not view.any(_NAMES):
        return
    _openinference_model(span, view, facts)
    if facts.request_model is None and facts.kind in CALLS and view.any(METADATA):
        facts.request_model = member(metadata_texts(view), "ls_model_name")
    facts.request_model = facts.request_model and providers.model_name(facts.request_model)
    facts.response_model = facts.response_model and providers.model_name(facts.response_model)
    facts.provider = told_provider(view)
    if facts.provider is None and facts.kind in CALLS:
        model = facts.response_model or facts.request_model
        facts.provider = providers.provider_of_model(model, facts.response_id)


def told_provider(view: View) -> str | None:
    """The provider that attributes name."""
    for _, value in view.items("provider"):
        found = providers.provider_of(plain(value) or "")
        if found:
            return found
    return providers.provider_of(metadata_texts(view).get("ls_provider") or "")


_NAMES = frozenset({"provider", "request_model", "response_model", "model_weak", "params_json"})


def _openinference_model(span: RawSpan, view: View, facts: SpanFacts) -> None:
    """`llm.model_name` is the answer's model with most instrumentors, and the request's with some: the rest decides."""
    named = plain(view.attributes.get("llm.model_name"))
    if named is None or facts.kind not in MODELLED:
        return
    if facts.response_model is None and span.status != "error":
        facts.response_model = named
    elif facts.request_model is None and named != facts.response_model:
        facts.request_model = named
