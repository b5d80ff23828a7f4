"""Logs as datasets: preparing them from raw files, simulating one with ground truth, and reading them back."""
