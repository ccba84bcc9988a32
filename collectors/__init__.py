"""Wire to rows: OTLP receivers, decoders, conventions and the normaliser. Knows no database and no server."""
