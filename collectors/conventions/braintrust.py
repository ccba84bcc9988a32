"""Braintrust's OpenTelemetry attributes."""

from __future__ import annotations

from collectors.conventions.keys import Keys

KEYS = Keys(
    usage_json=("braintrust.metrics",),
    cost_json=(),
    tags=("braintrust.tags",),
    metadata_json=("braintrust.metadata",),
    metadata_prefixes=("braintrust.metadata.",),
    params_json=("braintrust.metadata",),
    input_weak=("braintrust.input_json", "braintrust.input"),
    output_weak=("braintrust.output_json", "braintrust.output"),
    tool_input=("braintrust.input_json", "braintrust.input"),
    tool_output=("braintrust.output_json", "braintrust.output"),
)
