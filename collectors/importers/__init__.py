"""Files of traces to requests: pure readers, a module a format. They know neither server nor store."""
