"""OTLP bytes to `collectors.model` values."""
