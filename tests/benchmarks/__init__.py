"""Claims about the benchmarks: each works, at a size that measures nothing."""
