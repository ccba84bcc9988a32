"""The process that owns the store: settings, API, workers, command line."""
