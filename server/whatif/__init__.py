"""What other choices would have cost: samples of stored calls, the prices that count, and `analytics` upon them.

`sampling` draws slices of time and reads the calls in them with their texts; `caching`, `routing` and `carbon` say what
they say, as plain values for JSON; `lines` reads calls out of a file, for the command line. Only here do texts, prices
and statistics meet: `analytics` knows no store and no price.
"""
