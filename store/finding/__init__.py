"""What a line such as `model:gpt-4o duration>2s` asks of traces: its grammar (pure), the fields, and their SQL.

It stands in the store, since every query that takes `TraceFilters` takes the line as `q`.
"""
