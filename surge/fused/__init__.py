"""Many candidates for one history, in vector lanes: the same numbers as `SurgeModel.read`, several times as fast."""
