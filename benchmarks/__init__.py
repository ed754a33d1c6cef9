"""Benchmarks: ratios against baselines that run in the same run."""
