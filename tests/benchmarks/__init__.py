"""Benchmarks: each run by one command, each result kept with the machine, the versions and the date."""
