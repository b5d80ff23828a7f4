"""Many models on one dataset under one protocol: who takes part, the runs, and the table."""
