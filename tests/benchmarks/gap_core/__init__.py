"""An assignment core for benchmarks: accounts to CSMs under one capacity of hours each (see `search`)."""
