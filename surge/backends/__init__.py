"""The same numbers as `SurgeModel`, several times as fast: candidates in vector lanes, or along lists of neighbours."""
