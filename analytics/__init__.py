"""Pure functions on frames: statistics, cost, latency, drift. No I/O."""
