"""The steps of `collectors.normalise`, a module per kind of facts: each reads one thing of a span."""
