"""The HTTP API: one module a noun. Every route names the right that it needs (rights.py)."""
