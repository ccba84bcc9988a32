"""Plain checks: what can be told of an answer by rule, without a model."""
